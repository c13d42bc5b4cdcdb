#!/usr/bin/env bash
# Tests the launcher for Slurm against a real cluster, whose nodes are all this machine.
# Needs root and Debian's `slurm-wlm` and `munge`. Not part of continuous integration.
#
#   tests/slurm/run.sh [NAME]      all tests, or those with such a name
set -euo pipefail
cd "$(dirname "$0")/../.."

folder=$(mktemp -d /tmp/ablate-slurm.XXXXXX)
trap 'tests/slurm/cluster.sh stop "$folder"; rm -rf "$folder"' EXIT
tests/slurm/cluster.sh start "$folder"
export SLURM_CONF=$folder/slurm.conf ABLATE_SLURM_FOLDER=$folder
cargo test --release --workspace --test slurm -- --ignored --test-threads=1 "$@"
