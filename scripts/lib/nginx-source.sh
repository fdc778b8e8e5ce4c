# Debian's own source of nginx, of the version that is installed where the
# mirror still has it.  Sourced, never run.


# Prints where the unpacked source is, which it fetches first if need be.

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


# The machine's own package sources, asked for source packages.  Lists and
# cache are private, so that neither /etc nor apt's state is touched, and one
# needs not be root.

fetch_source() {
    local dir=$1 version=$2 options

    options=(-o Dir::Etc::sourcelist=/dev/null
        -o Dir::Etc::sourceparts="$dir/sources.list.d"
        -o Dir::State::lists="$dir/lists" -o Dir::Cache="$dir/cache"
        -o APT::Sandbox::User="$(id -un)")

    mkdir -p "$dir"/{lists,cache/archives}/partial
    write_sources "$dir/sources.list.d"

    cd "$dir"

    # A place that has no source packages fails here, which does not matter as
    # long as another one has nginx's.

    apt-get "${options[@]}" update >update.log 2>&1 || true

    # Mirrors drop a version when a newer one comes, and may list one that they
    # do not have.

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


# Copies the machine's package sources with their types changed: first apt's
# newer format, then its one-line format.

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
