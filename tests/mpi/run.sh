#!/usr/bin/env bash
# Tests that processes of an MPI world train one trial to the bits of one process.
# Needs an MPI library with `mpirun` and `mpicc`, and libclang. Not part of continuous
# integration.
set -euo pipefail
cd "$(dirname "$0")/../.."

cargo build --release --package xtask --features mpi
program=${CARGO_TARGET_DIR:-target}/release/xtask
folder=$(mktemp -d /tmp/ablate-mpi.XXXXXX)
trap 'rm -rf "$folder"' EXIT
as_root=$([ "$(id -u)" != 0 ] || echo --allow-run-as-root)
world() { mpirun $as_root --oversubscribe -n "$@"; }
run() { # STORE [FURTHER ARGUMENTS]
    local store=$folder/$1
    shift
    echo "$program run experiments/dropout.toml --profile ci --plain --store $store \
        --set training.parts=4 --set data.train=114 $*"
}

# The result of every trial: history without throughput, and the final tensors.
results() {
    local trial
    for trial in "$folder/$1"/dropout/ci/*-seed*; do
        basename "$trial"
        sed 's/"images_per_second":[^,}]*//' "$trial/metrics.jsonl"
        sha256sum < "$(ls "$trial"/checkpoint-*.safetensors | tail -1)"
    done
}
same() {
    diff <(results alone) <(results "$1") || {
        echo "FAILED: $1 differs"
        exit 1
    }
    echo "ok: $1"
}

$(run alone) > /dev/null
test "$(results alone | wc -l)" -gt 8
world 2 $(run two) > /dev/null
same two
world 4 $(run four) > /dev/null
same four

# A world that is killed goes on as another.
world 2 $(run cut --set machine.checkpoint_minutes=0) > "$folder/log" 2>&1 &
for _ in $(seq 200); do
    sleep 0.05
    ls "$folder"/cut/dropout/ci/*-seed*/checkpoint-*.safetensors > /dev/null 2>&1 && break
done
pkill -9 -f "$folder/cut" || true
wait || true
if [ "$(grep -l '"status": "finished"' "$folder"/cut/dropout/ci/*-seed*/trial.json | wc -l)" = 4 ]; then
    echo "FAILED: nothing was cut off"
    exit 1
fi
world 4 $(run cut) > /dev/null
same cut

# A rank that lacks the data says so, and the trials fail with its words.
images=../shared/data/cifar-10-batches-bin
if [ -d "$images" ]; then
    mkdir -p "$folder/data"
    ln -s "$(realpath "$images")" "$folder/data/here-only"
    lacking="$program run experiments/dropout.toml --profile ci --plain --store $folder/lacking \
        --set training.parts=2 --set data.name=cifar10 --set data.root=here-only \
        --set data.train_limit=100 --set data.validation_limit=20"
    if mpirun $as_root --oversubscribe -n 1 env ABLATE_DATA_DIR="$folder/data" $lacking : \
        -n 1 $lacking > "$folder/log" 2>&1; then
        echo "FAILED: a rank without data went unnoticed"
        exit 1
    fi
    grep -q "error: rank 1: CIFAR-10" "$folder/log"
    echo "ok: a rank without data"
else
    echo "skipped: a rank without data, for want of CIFAR-10 in $images"
fi

# Three ranks cannot halve four parts.
if world 3 $(run three) > "$folder/log" 2>&1; then
    echo "FAILED: 3 ranks"
    exit 1
fi
grep -q "training.parts" "$folder/log"
echo "ok: three ranks are refused"
