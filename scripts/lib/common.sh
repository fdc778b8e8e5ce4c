# Paths, messages and locks.  Every shell script of scripts/ sources this file
# first.

set -Eeuo pipefail
trap 'echo "${0##*/}: stopped at line $LINENO" >&2' ERR

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=$TOP/.build


# --help prints the comment at the top of the script.

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


wrong_usage() {
    say "${0##*/}: $*; see scripts/${0##*/} --help"
    exit 2
}


# at_most N "$@": refuses more than N arguments

at_most() {
    local most=$1
    shift

    if [ $# -gt "$most" ]; then
        shift "$most"
        wrong_usage "unexpected argument \"$1\""
    fi
}


# check_arguments PROGRAM ...: ends the script if the Node program finds fault
# with its arguments.  So wrong arguments are refused before anything is
# installed or built.  On a machine without Node, or without the npm packages,
# the program checks its arguments when it runs.

check_arguments() {
    if [ -d "$TOP/scripts/node_modules" ] && command -v node >/dev/null; then
        CIGNA_ONLY_CHECK_ARGUMENTS=1 node "$@" || exit $?
    fi
}


# A second script that takes the same lock waits until the first one has ended.
# The kernel releases the lock with the process, so a killed script leaves no
# lock behind.

lock() {
    exec 9>"$BUILD/$1.lock"
    flock 9
}


# Runs a command, and shows its output only if it failed.

quietly() {
    local log=$1 rc=0
    shift

    # a child that outlives the command must not hold our lock
    "$@" >"$log" 2>&1 9>&- || rc=$?

    if [ "$rc" -ne 0 ]; then
        tail -n 60 "$log" >&2
        die "failed (status $rc): $*; the full output is in $log"
    fi
}
