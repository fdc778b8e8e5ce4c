# Finds processes that tests have left behind.  Sourced by scripts/test.


# Ends every process whose working directory or temporary directory is below
# the one given, and fails if there is any.

end_leftovers() {
    local pids pid

    # what is about to end by itself may do so
    for pid in 1 2 3 4 5 6 7 8 9 10; do
        pids=$(leftovers "$1")
        [ "$pids" ] || return 0
        sleep 0.2
    done

    for pid in $pids; do
        printf 'left running: %s %s\n' "$pid" \
            "$(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null || true)"
        kill -KILL "$pid" 2>/dev/null || true
    done

    return 1
}


leftovers() {
    local proc

    for proc in /proc/[0-9]*; do
        if [ "${proc#/proc/}" = "$$" ] || [ "${proc#/proc/}" = "$BASHPID" ]
        then
            continue
        fi

        if [[ $(readlink "$proc/cwd" 2>/dev/null) == "$1"* ]] \
           || grep -q -z -F "TMPDIR=$1" "$proc/environ" 2>/dev/null
        then
            printf '%s\n' "${proc#/proc/}"
        fi
    done
}
