# Runs a command for each item of a list, several at a time.  Sourced.


# together MOST ACTION ENDED ITEM ...
#
# "ACTION ITEM" runs in the background for each item.  $LANE is a number from 0
# to MOST - 1, and two actions that run at the same time have different numbers.
# When an action has ended, its output is printed as a whole, and then
# "ENDED ITEM STATUS" runs in the foreground.

together() {
    local most=$1 action=$2 ended=$3 begun=0 over=0
    local directory words item lane LANE
    local -a items=() lanes=()
    shift 3

    directory=$(mktemp -d -t together-XXXXXX)
    mkfifo "$directory/words"
    exec {words}<>"$directory/words"

    for ((lane = 0; lane < most; lane++)); do
        lanes+=("$lane")
    done

    while [ "$over" -lt "$#" ]; do

        if [ "$begun" -lt "$#" ] && [ "${#lanes[@]}" -gt 0 ]; then
            LANE=${lanes[-1]}
            unset 'lanes[-1]'

            begun=$((begun + 1))
            items[LANE]=${!begun}

            together_begin "$action" "${items[LANE]}" \
                >"$directory/$LANE" 2>&1 &
            continue
        fi

        together_end
        over=$((over + 1))
    done

    exec {words}>&-
    rm -rf "$directory"
}


together_begin() {
    local status=0

    "$1" "$2" {words}>&- || status=$?
    printf '%d %d\n' "$LANE" "$status" >&"$words"
}


together_end() {
    local lane status

    read -r lane status <&"$words"

    cat "$directory/$lane"
    "$ended" "${items[lane]}" "$status"

    lanes+=("$lane")
}
