#!/usr/bin/env bash
# Tests that trials train on a GPU: the same bits each time, also after a kill, and near
# the CPU's numbers; every experiment's `ci` profile. Needs a GPU, and CUDA to build the
# program, or a program built elsewhere as the argument. Not part of continuous
# integration.
set -euo pipefail
cd "$(dirname "$0")/../.."

program=${1:-}
if [ -z "$program" ]; then
    cargo build --release --package xtask --features cuda
    program=${CARGO_TARGET_DIR:-target}/release/xtask
fi
folder=$(mktemp -d /tmp/ablate-gpu.XXXXXX)
trap 'rm -rf "$folder"' EXIT
on=${ABLATE_TEST_DEVICE:-cuda}
run() { # STORE EXPERIMENT [FURTHER ARGUMENTS]
    local store=$folder/$1 experiment=$2
    shift 2
    "$program" run "experiments/$experiment.toml" --profile ci --plain --store "$store" "$@" \
        2> "$folder/log" > "$folder/page" || {
        tail -5 "$folder/log"
        return 1
    }
}
# Towers have workers of their own on the CPU alone.
on_gpu() { run "$@" --set "machine.device=\"$on\"" --set machine.workers=1; }
trials() { ls -d "$folder/$1"/*/ci/*-seed*/; }
fail() {
    echo "FAILED: $*"
    exit 1
}

# The result of every trial: history without throughput, and the final tensors.
results() {
    local trial
    for trial in $(trials "$1"); do
        basename "$trial"
        sed 's/"images_per_second":[^,}]*//' "$trial/metrics.jsonl"
        sha256sum < "$(ls "$trial"checkpoint-*.safetensors | tail -1)"
    done
}
same() {
    diff <(results "$1") <(results "$2") || fail "$2 differs from $1"
}

for experiment in relu_vs_tanh dropout; do
    on_gpu "$experiment" "$experiment"
    test "$(results "$experiment" | wc -l)" -gt 8
    on_gpu "$experiment-again" "$experiment"
    same "$experiment" "$experiment-again"
    echo "ok: $experiment gives the same bits each time"
done

# A trial that is killed goes on to the same bits.
long=(--set training.epochs=40 --set search.enabled=false)
on_gpu whole dropout "${long[@]}"
on_gpu cut dropout "${long[@]}" --set machine.checkpoint_minutes=0 &
for _ in $(seq 600); do
    sleep 0.05
    ls "$folder"/cut/dropout/ci/*-seed*/checkpoint-*.safetensors > /dev/null 2>&1 && break
done
pkill -9 -f "$folder/cut" || true
wait || true
if [ "$(grep -l '"status": "finished"' $(trials cut | sed 's/$/trial.json/') | wc -l)" = 4 ]; then
    fail "nothing was cut off"
fi
on_gpu cut dropout "${long[@]}"
same whole cut
echo "ok: what was cut off goes on to the same bits"

# The same trials on the CPU: rounding alone tells them apart, and training spreads it.
run cpu relu_vs_tanh
losses() {
    local trial
    for trial in $(trials "$1"); do
        head -1 "$trial/metrics.jsonl" | sed 's/.*"train":{"loss":\([^,}]*\).*/\1/'
    done
}
test "$(losses cpu | wc -l)" -gt 3
paste <(losses relu_vs_tanh) <(losses cpu) | awk '
    { far = $1 > $2 ? $1 - $2 : $2 - $1 } far > 1e-4 * $2 { print; bad = 1 } END { exit bad }' ||
    fail "the first epoch's loss on the GPU (left) is not the CPU's"
echo "ok: losses of the first epoch are the CPU's to 1e-4"

for file in experiments/*.toml; do
    experiment=$(basename "$file" .toml)
    on_gpu all "$experiment" || fail "$experiment"
    echo "ok: $experiment"
done

# A GPU that is not there is refused by name.
if run none dropout --set 'machine.device="cuda:99"' > /dev/null; then
    fail "cuda:99 opened"
fi
grep -q 'machine.device' "$folder/log"
echo "ok: a GPU that is not there"
