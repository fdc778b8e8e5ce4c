# What every script here begins with: the places, the words, the locks.
# Sourced, never run.

set -Eeuo pipefail
trap 'echo "${0##*/}: stopped at line $LINENO" >&2' ERR

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=$TOP/.build


# The comment at a script's top is what it says of itself.

for argument in "$@"; do
    case $argument in
    -h | --help)
        sed -n '3,/^$/s/^# \{0,1\}//p' "$0"
        exit 0 ;;
    esac
done

unset argument

mkdir -p "$BUILD/log"


say() {
    printf '%s\n' "$*" >&2
}


die() {
    say "${0##*/}: $*"
    exit 1
}


# The command line was wrong.

wrong_usage() {
    say "${0##*/}: $*; scripts/${0##*/} --help says more"
    exit 2
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
