#!/bin/sh
# Let apt and apk use this machine's certificates and mirrors. Runs before all other scripts, in the
# same shell. The container is removed afterwards.
#
# Variables, each of which may be empty:
#   certificates  certificates in the PEM format, to trust in addition to those of the image
#   logins        logins of the mirrors of apt, as in apt_auth.conf(5)
#   debian        the mirror for the sources of the image that end in /debian
#   security      the mirror for those that end in /debian-security
#   alpine        the mirror for the repositories below /alpine, without the release
: "${certificates?}" "${logins?}" "${debian?}" "${security?}" "${alpine?}"

trust() {
    bundle=/tmp/orbiter-network.pem
    cat /etc/ssl/certs/ca-certificates.crt > "$bundle" 2> /dev/null || true
    printf '%s' "$certificates" >> "$bundle"
    export SSL_CERT_FILE="$bundle"
    if [ -d /etc/apt/apt.conf.d ]; then
        echo "Acquire::https::CAInfo \"$bundle\";" > /etc/apt/apt.conf.d/zzz-orbiter-network
    fi
}

# Replace addresses in the files that exist: <end of the address> <mirror> <file...>
replace() {
    end=$1 mirror=$(printf %s "$2" | sed 's/[\\#&]/\\&/g')
    shift 2
    for file in "$@"; do
        # Not as an argument, because lists of processes would show the password of a mirror.
        [ ! -f "$file" ] || printf '%s\n' "s#https?://[^] ]+$end#$mirror\\1#g" | sed -i -E -f - "$file"
    done
}

[ -z "$certificates" ] || trust
if [ -n "$logins" ] && [ -d /etc/apt ]; then
    mkdir -p /etc/apt/auth.conf.d
    printf '%s' "$logins" > /etc/apt/auth.conf.d/orbiter-network.conf
fi
sources="/etc/apt/sources.list /etc/apt/sources.list.d/*"
# shellcheck disable=SC2086 # the shell lists the files
[ -z "$debian" ] || replace '/debian/?( |$)' "${debian%/}" $sources
# shellcheck disable=SC2086
[ -z "$security" ] || replace '/debian-security/?( |$)' "${security%/}" $sources
[ -z "$alpine" ] || replace '/alpine(/(v[0-9]|edge|latest-stable))' "${alpine%/}" \
    /etc/apk/repositories /etc/apk/repositories.d/*.list
