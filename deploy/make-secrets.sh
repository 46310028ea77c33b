#!/usr/bin/env bash
# Makes what a cluster in containers needs: a join token, a CA, and the certificates of the coordinator and of the workers (`distnet certs`).
#   deploy/make-secrets.sh FOLDER                       for compose (FOLDER is deploy/secrets) or systemd
#   deploy/make-secrets.sh FOLDER | kubectl apply -f -  the same as Kubernetes secrets, printed as YAML
# Files that FOLDER holds already are kept: run again, it prints the same secrets. Keep the CA's key there, or away from the machines altogether.
set -euo pipefail
[ $# = 1 ] || { echo "usage: ${0##*/} FOLDER" >&2; exit 2; }
folder=$1
namespace=${DISTNET_NAMESPACE:-distnet}
# The coordinator's names, the first of which is its folder's: in compose, in Kubernetes (short and long), and of this machine for `distnet status` over a forwarded port.
names=${DISTNET_COORDINATOR_NAMES:-coordinator+distnet-coordinator-0.distnet-coordinator+distnet-coordinator-0.distnet-coordinator.$namespace.svc.cluster.local+localhost+127.0.0.1}
read -ra distnet <<< "${DISTNET:-distnet}" # the command; in a clone "dotnet run -c Release --project src/Cli --"
umask 077
mkdir -p "$folder"
[ -s "$folder/token" ] || od -An -N32 -tx1 /dev/urandom | tr -d ' \n' > "$folder/token"
for host in "$names" worker; do # a certificate of any name will do for workers: all have the same
    [ -d "$folder/${host%%+*}" ] || "${distnet[@]}" certs --hosts "$host" --out "$folder" >&2
done

secret() { # NAME KEY=FILE…
    printf -- '---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: %s\n  namespace: %s\ntype: Opaque\ndata:\n' "$1" "$namespace"
    shift
    local entry
    for entry in "$@"; do printf '  %s: %s\n' "${entry%%=*}" "$(base64 -w 0 "$folder/${entry#*=}")"; done
}
secret distnet-token token=token
for host in "${names%%+*}" worker; do
    secret "distnet-$host-tls" ca.pem="$host/ca.pem" host.pem="$host/host.pem" host.key="$host/host.key"
done
