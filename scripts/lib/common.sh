# What every script here begins with: the places, the words, the locks.
# Sourced, never run.

set -Eeuo pipefail
trap 'echo "${0##*/}: stopped at line $LINENO" >&2' ERR

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=$TOP/.build

mkdir -p "$BUILD/log"


say() {
    printf '%s\n' "$*" >&2
}


die() {
    say "${0##*/}: $*"
    exit 1
}


# Runs the rest of the script alone: a second one that names the same lock
# waits.  The lock goes with the process, so a killed script leaves none.

lock() {
    exec 9>"$BUILD/$1.lock"
    flock 9
}


# Runs a command silently, and shows what it printed only if it failed.

quietly() {
    local log=$1 rc=0
    shift

    # without our lock, which a child that stays behind would hold
    "$@" >"$log" 2>&1 9>&- || rc=$?

    if [ "$rc" -ne 0 ]; then
        tail -n 60 "$log" >&2
        die "failed (status $rc): $*; the whole output is in $log"
    fi
}
