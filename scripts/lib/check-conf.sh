# Runs every example of conf/, or of another directory, through nginx -t.
# Sourced by scripts/check.
#
# The examples name an operator's files and real hosts.  The check makes up the
# files.  libnss_wrapper resolves the names to this machine, so the check does
# not use the network.


check_examples() {
    local from=${1:-conf} dir conf failed=0

    dir=$(mktemp -d)

    for conf in "$from"/*.conf; do
        if ! check_example "$conf" "$dir/$(basename "$conf" .conf)"; then
            failed=1
        fi
    done

    rm -rf "$dir"
    return "$failed"
}


check_example() {
    local conf=$1 dir=$2 output

    mkdir -p "$dir"
    localize "$conf" "$dir" >"$dir/nginx.conf"
    make_files "$dir"
    hosts_of "$conf" >"$dir/hosts"

    if output=$(LD_PRELOAD=libnss_wrapper.so NSS_WRAPPER_HOSTS="$dir/hosts" \
                nginx -t -p "$dir" -c "$dir/nginx.conf" -e stderr 2>&1)
    then
        # a warning counts as an error, except for the form of "http2" that
        # nginx 1.22 needs
        output=$(grep '\[warn\]' <<<"$output" |
                     grep -v '"listen ... http2" directive is deprecated') ||
            return 0
    fi

    printf '%s: does not pass nginx -t:\n%s\n' "$conf" "$output"
    return 1
}


# Prints the example with its files moved into our directory, with the module
# just built, and with ports and a pid file that need no root.

localize() {
    local conf=$1 dir=$2

    sed -E \
        -e "s|/etc/nginx/cigna/|$dir/files/|g" \
        -e "s|load_module .*ngx_cigna_module\.so|load_module \
$BUILD/dynamic/ngx_cigna_module.so|" \
        -e "s|^([[:space:]]*listen[[:space:]]+)([^ ;]*:)?(80\|443)([ ;])|\1\
127.0.0.1:10\3\4|" \
        -e "s|^events|pid $dir/pid;\nevents|" \
        "$conf"
}


make_files() {
    local dir=$1 file

    mkdir -p "$dir/files"

    grep -oE "$dir/files/[^ ;]+" "$dir/nginx.conf" | sort -u \
        | while read -r file; do
            make_file "$file"
          done
}


# Makes the files of 300 tenants, with the commands in the example's comments.

tenants() {
    local dir=$1 i

    mkdir -p "$dir/secrets"

    for i in {1..300}; do
        printf 'app-%d client-%d\n' "$i" "$i"
        (umask 077; printf 'secret-%d' "$i" >"$dir/secrets/app-$i")
    done >"$dir/tenants.list"

    sed -n 's|^#     ||p' "$dir/../nginx.conf" >"$dir/generate"
    bash -e "$dir/generate"
}


# The file's name decides its content.

make_file() {
    local file=$1

    mkdir -p "$(dirname "$file")"

    case $file in
    */keys)          scripts/keygen >"$file" ;;
    *.crt | *.pem)   certificate "$file" "${file%.*}.key" ;;
    */tenants.conf)  tenants "${file%/*}" ;;
    *.key)           [ -e "$file" ] || certificate "${file%.*}.crt" "$file" ;;
    *)               openssl rand -hex 16 >"$file" ;;
    esac

    chmod 600 "$file"
}


certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
        -subj /CN=example -days 2 -out "$1" -keyout "$2" 2>/dev/null
}


# Prints a hosts file with every host name of the example and of the module's
# presets.

hosts_of() {
    { cat "$1"; find ngx_cigna_module -name '*.[ch]' -exec cat {} +; } \
        | grep -oE '(//|server +)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*' \
        | sed -E 's|^[^ /]*[ /]+|127.0.0.1 |' | sort -u
}
