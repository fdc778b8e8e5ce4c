# Finds processes that tests have left behind.  Sourced by scripts/test.


# Ends every process whose working directory or temporary directory is below
# the one given, and fails if there is any.

end_leftovers() {
    local pids pid try

    # what is about to end by itself may do so

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


# What does the looking has the directory in its environment, too, and is gone
# when it has ended.

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
