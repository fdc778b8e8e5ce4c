# Finds processes that tests left running.  Sourced by scripts/test.


# Kills every process whose working directory is the given directory or below
# it, or whose TMPDIR is that directory.  Fails if it has to kill any.

end_leftovers() {
    local pids pid try

    # processes that are about to end get two seconds

    for try in 1 2 3 4 5 6 7 8 9 10; do
        pids=$(leftovers "$1")
        [ "$pids" ] || return 0
        sleep 0.2
    done

    for pid in $pids; do
        printf 'left running: %s %s\n' "$pid" \
            "$(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" || true)"
        kill -KILL "$pid" 2>/dev/null || true
    done

    return 1
}


# Prints the ids of the processes that end_leftovers has to kill.  The commands
# that search for them have the directory in their environment, too.  These
# commands have ended before the loop, so they have no /proc entry any more.

leftovers() {
    local found pid

    found=$(find /proc/[0-9]*/cwd -maxdepth 0 -lname "$1*" 2>/dev/null
            grep -l -z -F -x "TMPDIR=$1" /proc/[0-9]*/environ 2>/dev/null) \
        || true

    for pid in $(cut -d / -f 3 <<<"$found" | sort -u); do
        if [ "$pid" != $$ ] && [ -e "/proc/$pid/exe" ]; then
            echo "$pid"
        fi
    done
}
