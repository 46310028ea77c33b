#!/usr/bin/env bash
# Installs Fashion-MNIST where the tests and examples look for it (Debian's package dataset-fashion-mnist). Tests that need it say
# so with a sentence of their own when it is missing; everything else runs without.
set -euo pipefail

folder=/usr/share/datasets/fashion-mnist
if [ -f "$folder/train-images-idx3-ubyte.gz" ]; then
    exit 0
fi

if ! command -v apt-get > /dev/null; then
    echo "Fashion-MNIST is not in $folder, and this system has no apt-get to install dataset-fashion-mnist with." >&2
    exit 1
fi

elevate=()
if [ "$(id -u)" != 0 ]; then
    elevate=(sudo -n)
fi

"${elevate[@]}" apt-get update -qq
"${elevate[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends dataset-fashion-mnist
test -f "$folder/train-images-idx3-ubyte.gz"
