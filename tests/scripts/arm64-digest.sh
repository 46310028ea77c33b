#!/usr/bin/env bash
# One digest on Arm64: publishes the command for linux-arm64, runs it in user emulation (qemu-user) on this x64 machine, and compares its digests with those of
# this machine: trained alone, with workers and threads, and by a worker under a coordinator of this machine; a convolutional network too. Then check-grad. To be run whole
# before a release: two minutes of processor time, five minutes on a busy machine. Needs the built solution and Debian's apt-get (as root, where qemu-user is not installed).
# What emulation does not show: the host keeps its own, stronger order of memory accesses, and no speed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
root=$PWD
scratch=$(mktemp -d)
started=()
trap '[ ${#started[@]} = 0 ] || { kill "${started[@]}"; wait "${started[@]}"; } 2> /dev/null || true; rm -rf "$scratch"' EXIT
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 MSBUILDDISABLENODEREUSE=1 NO_COLOR=1

if ! command -v qemu-aarch64 > /dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends qemu-user > /dev/null
fi

# What .NET needs of the system, for Arm64, in a folder: nothing of it is installed.
system=$scratch/system
mkdir -p "$scratch"/apt/{lists,cache/archives}/partial "$system"
foreign=(-qq -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o "Dir::State::Lists=$scratch/apt/lists" -o "Dir::Cache=$scratch/apt/cache" -o APT::Sandbox::User=root)
apt-get "${foreign[@]}" update
ssl=$(apt-cache "${foreign[@]}" pkgnames libssl3 | grep -xE 'libssl3(t64)?' | tail -n 1)
(cd "$scratch/apt" && apt-get "${foreign[@]}" download libc6 libgcc-s1 libstdc++6 zlib1g "$ssl" > /dev/null)
for package in "$scratch"/apt/*.deb; do
    dpkg-deb -x "$package" "$system"
done

# From a copy of the sources: a restore for another processor changes lock files and bin folders.
mkdir "$scratch/source"
git ls-files -z -- global.json '*.props' .editorconfig src protos ':!*packages.lock.json' | tar -c --null -T - | tar -x -C "$scratch/source"
(cd "$scratch/source" && timeout -k 5 300 dotnet publish src/Cli -c Release -r linux-arm64 --self-contained -o "$scratch/arm64" -p:RestorePackagesWithLockFile=false -v quiet)

here() { dotnet "$root/src/Cli/bin/Release/net10.0/DistNet.Cli.dll" "$@"; }
# The runtime writes its code through a second mapping, so that no page is writable and executable at once; the emulator, which keeps what it has translated of a page until that is written to,
# does not see such writes, and about half of the runs of the convolutional network died of stale code. So pages of code are mapped once here.
arm64() { DOTNET_EnableWriteXorExecute=0 qemu-aarch64 -L "$system" "$scratch/arm64/DistNet.Cli" "$@"; }
export -f here arm64
export root scratch system

# within SECONDS COMMAND…
within() { timeout -k 5 "$1" bash -c '"$@"' - "${@:2}"; }

job=(examples/digits.yaml --quiet --set training.epochs=1)
digests() { sed -nE 's/.*"(parameters|state)_sha256": "([0-9a-f]+)".*/\2/p' "$1/run.json" | tr '\n' ' '; }
field() { sed -nE 's/.*"'"$2"'": "?([^",]+)"?,?$/\1/p' "$1/run.json" | head -n 1; }

same() { # FOLDER WHAT
    local found
    found=$(digests "$scratch/$1")
    [ "$found" = "$expected" ] || { echo "FAILED: $2: $found differs from $expected"; exit 1; }
    echo "ok: $2"
}

within 60 here train "${job[@]}" --threads 1 --out "$scratch/here"
expected=$(digests "$scratch/here")
[ -n "$expected" ]
echo "this machine ($(field "$scratch/here" architecture), $(field "$scratch/here" vector_unit)): $expected"

within 300 arm64 train "${job[@]}" --threads 1 --out "$scratch/alone"
[ "$(field "$scratch/alone" architecture)" = Arm64 ]
same alone "$(field "$scratch/alone" architecture), $(field "$scratch/alone" vector_unit): 1 worker x 1 thread"
within 300 arm64 train "${job[@]}" --workers 3 --threads 2 --out "$scratch/several"
same several "Arm64: 3 workers x 2 threads"

# Gradients of Arm64, summed and applied by this machine.
within 300 here coordinator "${job[@]/--quiet/--json}" --bind 127.0.0.1:0 --out "$scratch/mixed" > "$scratch/coordinator.log" 2>&1 &
started=("$!")
until address=$(grep -oE '"address":"[^"]+"' "$scratch/coordinator.log" | head -n 1 | cut -d'"' -f4) && [ -n "$address" ]; do
    kill -0 "${started[0]}" || { cat "$scratch/coordinator.log"; exit 1; }
    sleep 0.05
done
within 300 arm64 worker --join "$address" --threads 1 --name arm64 --cache "$scratch/cache" --quiet > "$scratch/worker.log" 2>&1 &
started+=("$!")
for process in "${started[@]}"; do
    wait "$process" || { tail -n 5 "$scratch/coordinator.log" "$scratch/worker.log"; exit 1; }
done
started=()
same mixed "a coordinator of this machine, $(field "$scratch/mixed" arm64) samples computed by a worker on Arm64"

# The same images through convolutions, direct and by Winograd, with norms and a pool.
job+=(--set 'model=[{reshape: [1, 8, 8]}, {conv2d: 16, kernel: 3, padding: 1}, batch-norm, relu, {conv2d: 16, kernel: 3, padding: 1}, silu, {max-pool2d: 2}, flatten, {linear: 10}]')
within 60 here train "${job[@]}" --out "$scratch/images-here"
expected=$(digests "$scratch/images-here")
[ -n "$expected" ]
within 300 arm64 train "${job[@]}" --workers 2 --threads 2 --out "$scratch/images"
same images "Arm64: a convolutional network, 2 workers x 2 threads"

within 300 arm64 check-grad examples/digits.yaml > "$scratch/check-grad.log" || { tail -n 5 "$scratch/check-grad.log"; exit 1; }
echo "ok: Arm64: $(tail -n 1 "$scratch/check-grad.log")"
