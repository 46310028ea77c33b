#!/usr/bin/env bash
# A cluster over three hosts on one machine: a coordinator and two workers, each in a network namespace, with a hostname and a /dev/shm of its own, joined by
# a switch in a fourth. Token and mutual TLS on both planes; the workers have no copy of the data. Asserted: the digest of the local run, over gRPC alone; the
# same with one host after the other cut off in mid-run and healed; and that who has the wrong token or certificate, or none, is turned away with a sentence.
# Needs root, iproute2, util-linux and the built solution. Prints `ok: …` and `FAILED: …`, and leaves nothing behind, whatever way it ends.
#   tests/scripts/three-hosts.sh [--keep-logs FOLDER]
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
root=$PWD
export DOTNET_CLI_TELEMETRY_OPTOUT=1 NO_COLOR=1 LC_ALL=C
logs=${2:-}
id=dn$$
subnet=10.77.0
scratch=$(mktemp -d)
failures=0
pids=()

# ---- what is left at the end: nothing ----

cleanup() {
    trap - EXIT INT TERM HUP
    local pid name
    for name in 0 1 2 switch; do
        for pid in $(ip netns pids "$id-$name" 2> /dev/null); do kill -9 "$pid" 2> /dev/null; done
    done
    wait 2> /dev/null
    for name in 0 1 2 switch; do ip netns del "$id-$name" 2> /dev/null; done # its links go with it
    [ -z "$logs" ] || { mkdir -p "$logs" && cp "$scratch"/*.log "$logs/" 2> /dev/null; }
    rm -rf "$scratch"
}
finish() { # the exit code of the script
    local left
    cleanup
    left=$(ip netns list | grep -c "^$id-"; ls -d "$scratch" 2> /dev/null)
    [ "$left" = 0 ] || { echo "FAILED: something is left behind: $left"; failures=$((failures + 1)); }
    if [ "$failures" = 0 ]; then echo "three hosts: all ok"; else echo "three hosts: $failures checks failed"; fi
    [ "$failures" = 0 ]
    exit
}
trap 'cleanup; exit 130' INT TERM HUP
trap cleanup EXIT

ok() { # STATUS WHAT
    if [ "$1" = 0 ]; then echo "ok: $2"; else echo "FAILED: $2"; failures=$((failures + 1)); fi
    return "$1"
}

# ---- the hosts ----

[ "$(id -u)" = 0 ]
ok $? "this is root, who may make network namespaces" || finish
if ! command -v ip bridge unshare > /dev/null && command -v apt-get > /dev/null; then
    (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends iproute2 util-linux) > /dev/null 2>&1
fi
for tool in ip bridge unshare dotnet; do
    command -v "$tool" > /dev/null || { ok 1 "$tool is here"; finish; }
done
distnet=(dotnet "$root/src/Cli/bin/Release/net10.0/DistNet.Cli.dll")

# A silent cut is the switch's port that forwards nothing (both ends keep their carrier); a loud one is the port's link down.
port() { bridge -n "$id-switch" link set dev "port$1" state "$2"; } # HOST 0|3
link() { ip -n "$id-switch" link set "port$1" "$2"; }               # HOST down|up

make_hosts() {
    local host
    ip netns add "$id-switch" && ip -n "$id-switch" link add br0 type bridge && ip -n "$id-switch" link set br0 up || return
    for host in 0 1 2; do
        ip netns add "$id-$host" || return
        ip -n "$id-switch" link add "port$host" type veth peer name eth0 netns "$id-$host" || return
        ip -n "$id-switch" link set "port$host" master br0 && ip -n "$id-switch" link set "port$host" up || return
        ip -n "$id-$host" link set lo up && ip -n "$id-$host" addr add "$subnet.1$host/24" dev eth0 && ip -n "$id-$host" link set eth0 up || return
    done
}
make_hosts
ok $? "three hosts and a switch are made ($subnet.10 coordinates, $subnet.11 and $subnet.12 compute)" || finish

# on HOST COMMAND…: becomes the command on a host. Only host 0 sees the job's folder and the data sets.
on() {
    local host=$1
    shift
    exec ip netns exec "$id-$host" unshare --uts bash -c '
        host=$1 scratch=$2 root=$3
        shift 3
        hostname "host$host" && mount -t tmpfs -o size=256m tmpfs /dev/shm || exit 99
        if [ "$host" != 0 ]; then
            mount -t tmpfs tmpfs "$scratch/coordinator" && mount -t tmpfs tmpfs "$root/datasets" || exit 99
        fi
        exec "$@"' _ "$host" "$scratch" "$root" "$@"
}
stamped() { while IFS= read -r line; do printf '%s %s\n' "$EPOCHREALTIME" "$line"; done; }

# start NAME HOST COMMAND…: in the background; its output, each line with the second it came, goes to NAME.log. Its process is $started.
start() {
    local name=$1 host=$2
    shift 2
    (on "$host" "$@") > >(stamped > "$scratch/$name.log") 2>&1 < /dev/null &
    started=$!
    pids+=("$started")
}

# until_seen NAME PATTERN SECONDS [COUNT]: waits until the log has COUNT lines that fit.
until_seen() {
    local end=$((SECONDS + $3))
    until [ "$(grep -cE -- "$2" "$scratch/$1.log" 2> /dev/null)" -ge "${4:-1}" ] 2> /dev/null; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.05
    done
}

# ended PID SECONDS: waits for the end; the exit code is in $status, 124 when it did not come.
ended() {
    local end=$((SECONDS + $2))
    while kill -0 "$1" 2> /dev/null; do
        [ "$SECONDS" -lt "$end" ] || { status=124; return 1; }
        sleep 0.05
    done
    wait "$1"
    status=$?
}
# ended_or_stuck PID NAME SECONDS: waits for the end for as long as epochs go by, however slow the machine; 124 when none came for so long.
ended_or_stuck() {
    local epochs=-1 now
    while now=$(grep -c '"event":"epoch"' "$scratch/$2.log") && [ "$now" -gt "$epochs" ]; do
        epochs=$now
        ended "$1" "$3" && return
        [ "$status" = 124 ] || return
    done
}
sentence() { sed -E 's/.*"message":"(([^"\\]|\\.)*)".*/\1/'; } # of an event
seconds_between() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", b - a }'; }
result() { sed -nE "s/^ *\"$2\": \"?([^\",]*)\"?,?$/\1/p" "$1/run.json" | head -1; }

# ---- the run: 41 slices of 8 samples a batch, the last batch of an epoch shorter; a model of 350 kB ----

mkdir -p "$scratch/coordinator" "$scratch/host0" "$scratch/host1" "$scratch/host2"
cp datasets/digits.csv.gz "$scratch/coordinator/"
cat > "$scratch/coordinator/job.yaml" <<'JOB'
data: { format: csv, train: digits.csv.gz, validation: 0.2, header: false, label: last, normalize: channel }
model: [ { linear: 256 }, relu, { dropout: 0.2 }, { linear: 256 }, relu, { linear: 10 } ]
loss: cross-entropy
optimizer: { kind: adamw, learningRate: 1e-3, weightDecay: 1e-4 }
training: { epochs: 40, batch: 328, slice: 8, seed: 1 }
checkpoints: { everySeconds: 5 }
JOB
head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' > "$scratch/token"
head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' > "$scratch/wrong-token"
"${distnet[@]}" certs --hosts "$subnet.10,$subnet.11,$subnet.12" --out "$scratch/certs" > "$scratch/certs.log" 2>&1 &&
    "${distnet[@]}" certs --hosts "$subnet.10,$subnet.11,$subnet.12" --out "$scratch/other-certs" >> "$scratch/certs.log" 2>&1
ok $? "distnet certs makes certificates for the three addresses" || { cat "$scratch/certs.log"; finish; }

local_digest() { # EPOCHS
    "${distnet[@]}" train "$scratch/coordinator/job.yaml" --workers 1 --out "$scratch/local-$1" --quiet --set training.epochs="$1" > "$scratch/local-$1.log" 2>&1
    result "$scratch/local-$1" parameters_sha256
}

secure=(--token-file "$scratch/token")
coordinate() { # NAME EPOCHS OPTION…
    local name=$1 epochs=$2
    shift 2
    start "$name" 0 "${distnet[@]}" coordinator "$scratch/coordinator/job.yaml" --bind "$subnet.10:7400" --control-port 7401 --min-workers 2 --out "$scratch/$name" --json \
        --set training.epochs="$epochs" "${secure[@]}" --tls "$scratch/certs/$subnet.10" "$@"
    coordinator=$started
    until_seen "$name" '"event":"listening"' 30
}
work() { # NAME HOST
    start "$1" "$2" "${distnet[@]}" worker --join "$subnet.10:7400" --name "host$2" --threads 1 --cache "$scratch/cache$2" --json "${secure[@]}" --tls "$scratch/certs/$subnet.1$2"
    worker[$2]=$started
}
declare -A worker

# ---- 1. undisturbed ----

epochs=40
expected=$(local_digest $epochs)
[ -n "$expected" ]
ok $? "the local run of $epochs epochs gives ${expected:0:16}…" || { cat "$scratch/local-$epochs.log"; finish; }

coordinate calm $epochs
ok $? "the coordinator listens on $subnet.10:7400 with token and mutual TLS" || { cat "$scratch/calm.log"; finish; }
work calm-1 1
work calm-2 2
ended "$coordinator" 90
ok "$status" "the run over three hosts ends with 0 (found $status)" || { cat "$scratch"/calm*.log; finish; }
for host in 1 2; do
    ended "${worker[$host]}" 20
    ok "$status" "the worker on host $host ends with 0 when the run is over (found $status)"
    grep -q '"transport":"grpc"' "$scratch/calm-$host.log"
    ok $? "its tensors went over gRPC: the probe of shared memory found another /dev/shm"
    grep -qiE 'fetch' "$scratch/calm-$host.log"
    ok $? "it had no copy of the data and fetched it"
    samples=$(result "$scratch/calm" "host$host")
    [ "${samples:-0}" -gt 0 ]
    ok $? "it computed ${samples:-0} of the samples"
done
digest=$(result "$scratch/calm" parameters_sha256)
[ "$digest" = "$expected" ]
ok $? "the digest is the local run's: ${digest:0:16}…"
echo "   $(result "$scratch/calm" samples_per_second) samples/s over gRPC with TLS, $(result "$scratch/local-$epochs" samples_per_second) with one local worker"

# ---- 2. who is turned away, while a run goes on; each host cut off and healed ----

# 75 seconds of epochs of 1,438 samples at the rate of the run before, so that it outlasts the cuts on fast machines and ends on slow ones.
epochs=${THREE_HOSTS_EPOCHS:-$(awk -v rate="$(result "$scratch/calm" samples_per_second)" 'BEGIN { epochs = int(75 * rate / 1438); print epochs < 1500 ? epochs : 1500 }')}
expected=$(local_digest $epochs)
coordinate cut $epochs
work cut-1 1
work cut-2 2
until_seen cut '"event":"worker-joined"' 30 2 && until_seen cut '"event":"epoch"' 30 3
ok $? "a longer run is on its way" || { cat "$scratch"/cut*.log; finish; }

# refused NAME HOST CODE SENTENCE THE-COORDINATOR'S-SENTENCE OPTION…: a worker that must be turned away, with a sentence on both sides.
refused() {
    local name=$1 host=$2 code=$3 sentence=$4 theirs=$5
    shift 5
    (on "$host" "${distnet[@]}" worker --join "$subnet.10:7400" --name stranger --give-up-after 3 "$@") > "$scratch/refused-${name// /-}.log" 2>&1 < /dev/null &
    ended $! 20
    [ "$status" = "$code" ]
    ok $? "$name: exit code $status" || tail -3 "$scratch/refused-${name// /-}.log"
    said=$(grep -iE -- "$sentence" "$scratch/refused-${name// /-}.log" | tail -1)
    [ -n "$said" ]
    ok $? "$name: \"$said\"" || cat "$scratch/refused-${name// /-}.log"
    if [ -n "$theirs" ]; then
        until_seen cut "$theirs" 5
        ok $? "$name: the coordinator says \"$(grep -iE -- "$theirs" "$scratch/cut.log" | tail -1 | sentence)\""
    fi
}
refused "no token" 1 2 "needs a join token" "" --tls "$scratch/certs/$subnet.11"
refused "no token, aloud" 1 2 "none was given" "host1 at .*none was given" --insecure --tls "$scratch/certs/$subnet.11"
refused "a wrong token" 2 2 "not that of this run" "host2 at .*not that of this run" --token-file "$scratch/wrong-token" --tls "$scratch/certs/$subnet.12"
refused "a certificate of another CA" 2 2 "certificates" "$subnet.12 was turned away.*another authority" "${secure[@]}" --tls "$scratch/other-certs/$subnet.12"
refused "plaintext" 2 2 "needs certificates" "" "${secure[@]}"
refused "plaintext, aloud" 2 1 "a coordinator that has certificates" "" "${secure[@]}" --insecure
(on 0 "${distnet[@]}" coordinator "$scratch/coordinator/job.yaml" --bind "$subnet.10:7500" --out "$scratch/never") > "$scratch/refused-bind.log" 2>&1 < /dev/null &
ended $! 20
[ "$status" = 2 ] && grep -q "needs a join token" "$scratch/refused-bind.log" && [ ! -e "$scratch/never" ]
ok $? "a coordinator in plaintext off loopback: exit code $status, \"$(tail -1 "$scratch/refused-bind.log")\""

# cut_off HOST HOW BACK SECONDS: cuts a host, waits until its slices are given out again, heals it, waits until it takes part again.
cut_off() {
    local host=$1 how=$2 gone joined steps at again healed
    gone=$(grep -c "host$host" "$scratch/cut.log")
    joined=$(grep -c '"event":"joined"' "$scratch/cut-$host.log")
    steps=$(grep -c '"event":"epoch"' "$scratch/cut.log")
    at=$EPOCHREALTIME
    [ "$how" = silently ] && port "$host" 0 || link "$host" down
    until_seen cut "host$host" 10 $((gone + 1))
    ok $? "host $host is cut off ($how): the coordinator says so"
    again=$(grep "host$host" "$scratch/cut.log" | sed -n "$((gone + 1))p")
    echo "   $(seconds_between "$at" "${again%% *}") s after the cut: $(sentence <<< "$again")"
    until_seen cut '"event":"epoch"' 15 $((steps + 3))
    ok $? "the run goes on without host $host"
    until_seen cut '"event":"worker-left"[^}]*'"host$host" 15
    ok $? "the session of host $host is ended"
    [ "$how" = silently ] && port "$host" 3 || link "$host" up
    healed=$EPOCHREALTIME
    until_seen "cut-$host" '"event":"joined"' 30 $((joined + 1))
    ok $? "host $host re-joins by itself, $(seconds_between "$healed" "$EPOCHREALTIME") s after the network is whole"
}
cut_off 1 silently
cut_off 2 "its link is down"
kill -0 "$coordinator" 2> /dev/null
ok $? "the run was still going on" # else the cuts would prove nothing

ended_or_stuck "$coordinator" cut 30
ok "$status" "the run with the cuts ends with 0 (found $status)" || tail -5 "$scratch/cut.log"
for host in 1 2; do
    ended "${worker[$host]}" 20
    ok "$status" "the worker on host $host, never restarted, ends with 0 (found $status): $(grep -o '"sessions":[0-9]*' "$scratch/cut-$host.log" | tail -1)"
done
digest=$(result "$scratch/cut" parameters_sha256)
[ "$digest" = "$expected" ]
ok $? "the digest is the local run's: ${digest:0:16}…"
finish
