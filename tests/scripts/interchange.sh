#!/usr/bin/env bash
# Models that travel, held to other programs: Debian's PyTorch, numpy and ONNX (tests/scripts/install-peers.sh). Needs the built solution.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
tests/scripts/install-peers.sh
OMP_NUM_THREADS=1 /usr/bin/python3 tests/scripts/interchange.py "$scratch"
