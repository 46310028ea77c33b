#!/usr/bin/env bash
# Installs what tests/scripts/interchange.sh compares with: Debian's packages of PyTorch, numpy and ONNX.
set -euo pipefail

if /usr/bin/python3 -c "import numpy, onnx, torch" 2> /dev/null; then
    exit 0
fi

if ! command -v apt-get > /dev/null; then
    echo "PyTorch, numpy and ONNX are not in /usr/bin/python3, and this system has no apt-get to install them with." >&2
    exit 1
fi

elevate=()
if [ "$(id -u)" != 0 ]; then
    elevate=(sudo -n)
fi

"${elevate[@]}" apt-get update -qq
"${elevate[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-numpy python3-onnx python3-torch
/usr/bin/python3 -c "import numpy, onnx, torch"
