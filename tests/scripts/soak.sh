#!/usr/bin/env bash
# Five minutes (or SECONDS) of dense faults on one run, with real processes: workers and coordinators killed, stopped, asked to leave, strangers on both ports.
# At the end memory, threads and files must be what they were, and the digest that of a run that nothing disturbed.
#   tests/scripts/soak.sh [SECONDS] [SEED]
set -euo pipefail
cd "$(dirname "$0")/../.."
exec dotnet run -c Release --project tests/Faults -- --seconds "${1:-300}" ${2:+--seed "$2"} soak
