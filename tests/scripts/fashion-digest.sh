#!/usr/bin/env bash
# One digest on Fashion-MNIST for 1, 2, 3, 5 and 8 workers x 1, 2 and 4 threads: an epoch of 26 steps whose batches and slices don't divide,
# with dropout, clipping and early stopping. Needs the built solution and Debian's dataset-fashion-mnist (tests/scripts/install-datasets.sh).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

digest() { # WORKERS THREADS
    local out=$scratch/run
    rm -rf "$out"
    dotnet src/Cli/bin/Release/net10.0/DistNet.Cli.dll train examples/fashion-mlp.yaml --quiet --workers "$1" --threads "$2" --out "$out" \
        --set training.epochs=1 --set training.batch=2200 --set training.slice=48 --set optimizer.clipNorm=1 --set training.earlyStopping.patience=2 > /dev/null
    sed -nE 's/.*"(parameters|state)_sha256": "([0-9a-f]+)".*/\2/p' "$out/run.json" | tr '\n' ' '
}

expected=$(digest 1 1)
[ -n "$expected" ]
echo "1 worker x 1 thread: $expected"
for workers in 1 2 3 5 8; do
    for threads in 1 2 4; do
        found=$(digest "$workers" "$threads")
        if [ "$found" != "$expected" ]; then
            echo "$workers workers x $threads threads: $found differs"
            exit 1
        fi
    done
done
echo "the same for 1, 2, 3, 5, 8 workers x 1, 2, 4 threads"
