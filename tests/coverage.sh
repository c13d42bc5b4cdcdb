#!/usr/bin/env bash
# Says which lines the tests run, crate by crate. By hand; takes half an hour.
#
# Needs LLVM's tools of the version that rustc has (`rustc -vV`): Debian's `llvm-22`, or
# named by LLVM_PROFDATA and LLVM_COV. Counting slows kernels down many times, for their
# threads share the counters: they are counted in a run of their own tests, on one
# thread, and left as they are in the run of all others, which cargo-llvm-cov cannot do.
set -euo pipefail
cd "$(dirname "$0")/.."

version=$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
profdata=${LLVM_PROFDATA:-llvm-profdata-$version}
cov=${LLVM_COV:-llvm-cov-$version}
for tool in "$profdata" "$cov"; do
  command -v "$tool" >/dev/null || {
    echo "coverage: there is no $tool; install LLVM $version or set LLVM_PROFDATA and LLVM_COV" >&2
    exit 1
  }
done

folder=$PWD/target/coverage
mkdir -p "$folder"

# count NAME LEFT ARGUMENTS...: runs tests with every crate of ours counted but LEFT. Those
# of tests too: a program whose own crate is not counted writes no counts of any.
count() {
  local name=$1 left=$2
  shift 2
  local data=$folder/$name.data wrapper=$folder/$name.sh
  cat >"$wrapper" <<WRAPPER
#!/usr/bin/env bash
for ((i = 1; i < \$#; i++)); do [ "\${!i}" = --crate-name ] && j=\$((i + 1)) && crate=\${!j}; done
[ "\${crate:-}" = "$left" ] && exec "\$@"
exec "\$@" -C instrument-coverage
WRAPPER
  chmod +x "$wrapper"
  export RUSTC_WORKSPACE_WRAPPER=$wrapper CARGO_TARGET_DIR=$folder/$name
  LLVM_PROFILE_FILE=$folder/build.profraw cargo test --release --tests --no-run "$@"
  rm -rf "$data"
  mkdir "$data"
  LLVM_PROFILE_FILE=$data/%8m.profraw cargo test --release --tests "$@"
  "$profdata" merge -sparse "$data"/*.profraw -o "$data/all.profdata"
  # Of a function that several programs hold, one export counts what the first of them
  # says, which may not call it at all: so each is exported by itself.
  rm -f "$folder/$name"-*.lcov
  local program exported=0
  while IFS= read -r program; do
    # A program that a test built of crates of its own counts nothing.
    grep -q __llvm_covmap "$program" || continue
    exported=$((exported + 1))
    "$cov" export -format=lcov -instr-profile="$data/all.profdata" "$program" \
      >"$folder/$name-$exported.lcov"
  done < <(
    find "$CARGO_TARGET_DIR/release" -maxdepth 2 -type f -executable -newer "$wrapper" \
      ! -name '*.so' ! -path '*/build/*')
}

count all ablate_ops --workspace --exclude ablate-ops
RAYON_NUM_THREADS=1 RUST_TEST_THREADS=1 count kernels none --package ablate-ops
python3 tests/coverage.py "$PWD" "$folder"/{all,kernels}-*.lcov
