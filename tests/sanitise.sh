#!/usr/bin/env bash
# Runs the unsafe code of crates/ops under every checker this machine has, and
# says which it lacks. Too slow for continuous integration.
#
#   tests/sanitise.sh                     all of them
#   tests/sanitise.sh asan miri           some of them
#
#   asserted  debug assertions and overflow checks, at every instruction set
#   asan      the same under AddressSanitizer: accesses out of bounds, but for those
#             of AMX, which are assembly; crates/ops/tests/bounds.rs has guards for them
#   miri      any undefined behaviour and data races, in the portable and AVX2 kernels
#   aarch64   the portable kernels, run as aarch64 code by qemu
#   targets   the whole workspace type-checks for other systems
set -o pipefail
cd "$(dirname "$0")/.."

failed=()

# Assertions in our crates alone: the dependencies need not be built again.
assertions=()
for crate in ablate-ops ablate-nn; do
    assertions+=(--config "profile.release.package.$crate.debug-assertions=true")
    assertions+=(--config "profile.release.package.$crate.overflow-checks=true")
done

skip() { echo "== $1: skipped, $2"; }

step() {
    echo "== $1"
    shift
    "$@" || failed+=("$*")
}

has_target() { rustup target list --installed 2>/dev/null | grep -qx "$1"; }

# The kernels' own tests go through all levels; the layers' use the best one or
# the one they are told. Not the examples in the documentation, which are linked
# without the sanitiser's library.
at_every_level() {
    cargo test --release --tests -p ablate-ops "$@" || return
    local level flag
    for level in portable avx2:avx2 avx512:avx512dq amx:amx_bf16; do
        IFS=: read -r level flag <<<"$level"
        if [[ -n $flag ]] && ! grep -qw "$flag" /proc/cpuinfo; then
            skip "layers, $level" "this processor has no $flag"
            continue
        fi
        ABLATE_SIMD=$level cargo test --release --tests -p ablate-nn "$@" || return
    done
}

asserted() { step asserted at_every_level "${assertions[@]}"; }

asan() {
    if [[ -z $(find "$(rustc --print sysroot)" -name '*rt.asan.a' -print -quit) ]]; then
        skip asan "this toolchain has no AddressSanitizer library"
    else
        RUSTC_WORKSPACE_WRAPPER=$PWD/tests/rustc-asan.sh \
            step asan at_every_level "${assertions[@]}"
    fi
}

# Tree borrows, since rayon's queues break the stricter model. Threads of
# rayon's pool outlive the program, which Miri would call a leak.
miri() {
    local features=
    [[ $(uname -m) == x86_64 ]] && features=-Ctarget-feature=+avx2,+fma
    if ! cargo +nightly miri --version >/dev/null 2>&1; then
        skip miri "rustup component add --toolchain nightly miri rust-src"
    else
        MIRIFLAGS="-Zmiri-tree-borrows -Zmiri-permissive-provenance -Zmiri-disable-isolation -Zmiri-ignore-leaks" \
            RUSTFLAGS=$features step miri cargo +nightly miri test -p ablate-ops --test bounds
    fi
}

# Most dependencies unoptimised, which builds faster. Those of half precision do
# not build for aarch64 Linux so.
optimised=()
for crate in ablate-ops gemm-common gemm-f16; do
    optimised+=(--config "profile.dev.package.$crate.opt-level=3")
done

aarch64() {
    local target=aarch64-unknown-linux-gnu
    if ! has_target $target; then
        skip aarch64 "rustup target add $target"
    elif ! command -v aarch64-linux-gnu-gcc >/dev/null || ! command -v qemu-aarch64 >/dev/null; then
        skip aarch64 "install gcc-aarch64-linux-gnu, its C library and qemu-user"
    else
        CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
            CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -L /usr/aarch64-linux-gnu" \
            step aarch64 cargo test --target $target -p ablate-ops "${optimised[@]}"
    fi
}

# Nothing is linked, so a C compiler that does nothing will do.
type_check() {
    env "CC_${1//-/_}=true" "AR_${1//-/_}=true" \
        cargo check --workspace --all-targets --target "$1"
}

targets() {
    local target
    for target in aarch64-unknown-linux-gnu x86_64-pc-windows-gnu aarch64-apple-darwin; do
        if has_target $target; then
            step "targets, $target" type_check $target
        else
            skip "targets, $target" "rustup target add $target"
        fi
    done
}

[[ $# -gt 0 ]] || set -- asserted asan miri aarch64 targets
for check; do
    case $check in
        asserted | asan | miri | aarch64 | targets) "$check" ;;
        *) failed+=("$check: no such check") ;;
    esac
done

for failure in "${failed[@]}"; do
    echo "failed: $failure"
done
exit "${#failed[@]}"
