# Fetches Debian's source package of nginx: the installed version, or the newest
# one if the mirror has dropped that version.  Sourced.


# Prints the directory of the unpacked source, and fetches the source if it is
# not there.

nginx_source() {
    local dir=$BUILD/nginx-source version

    version=$(dpkg-query -W -f '${source:Version}' nginx)

    if [ ! -f "$dir/$version/tree/configure" ]; then
        rm -rf "$dir"
        mkdir -p "$dir/$version"
        fetch_source "$dir/$version" "$version"
        mv "$dir/$version"/nginx-*/ "$dir/$version/tree"
    fi

    printf '%s\n' "$dir/$version/tree"
}


# Asks the machine's package mirrors for source packages.  apt's lists and cache
# are private, so this changes neither /etc nor apt's state, and needs no root.

fetch_source() {
    local dir=$1 version=$2 options

    options=(-o Dir::Etc::sourcelist=/dev/null
        -o Dir::Etc::sourceparts="$dir/sources.list.d"
        -o Dir::State::lists="$dir/lists" -o Dir::Cache="$dir/cache"
        -o APT::Sandbox::User="$(id -un)")

    mkdir -p "$dir"/{lists,cache/archives}/partial
    write_sources "$dir/sources.list.d"

    cd "$dir"

    # A mirror without source packages fails here.  That does no harm if another
    # mirror has nginx's source.

    apt-get "${options[@]}" update >update.log 2>&1 || true

    # Mirrors drop a version when a newer one comes.  They may also list a
    # version that they do not have.

    for version in "$version" $(source_versions "${options[@]}"); do
        if apt-get "${options[@]}" source "nginx=$version" >source.log 2>&1
        then
            return
        fi
    done

    tail -n 20 "$dir/source.log" >&2
    die "the source package of nginx cannot be fetched, see $dir/source.log"
}


source_versions() {
    apt-cache "$@" --only-source showsrc nginx | sed -n 's/^Version: //p' \
        | sort -rVu
}


# Copies the machine's list of mirrors and changes the types to deb-src.  Files
# in apt's newer format come first, then files in its one-line format.

write_sources() {
    local dir=$1 file

    mkdir -p "$dir"

    for file in /etc/apt/sources.list.d/*.sources; do
        if [ -f "$file" ]; then
            sed -E 's/^Types:.*/Types: deb-src/' "$file" >"$dir/${file##*/}"
        fi
    done

    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        if [ -f "$file" ]; then
            sed -E -n 's/^deb(-src)?[[:space:]]/deb-src /p' "$file"
        fi
    done | sort -u >"$dir/lines.list"
}
