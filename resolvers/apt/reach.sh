#!/bin/sh
# Ask the sources of the base image for their indexes as apt does, without the lists of packages.
#
# Sections of the output:
#   reached <address>
#   failed <address>   the output of apt
set -eu
export LC_ALL=C

say() { printf '@@ %s\n' "$*"; }

work=/tmp/orbiter-reach
mkdir -p "$work"

# A firewall may drop every packet. By default, apt then tries each address of a server for long.
ask() {
    /usr/lib/apt/apt-helper -o Acquire::Retries=0 \
        -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 \
        download-file "$1" "$2.index" > "$2.output" 2>&1
}

addresses=$(apt-get update --print-uris) # fails for a file that apt cannot read
number=0
for address in $(echo "$addresses" | sed -n "s/^'\(.*InRelease\)'.*/\1/p"); do
    number=$((number + 1))
    if ask "$address" "$work/$number"; then
        say "reached $address"
    else
        say "failed $address"
        cat "$work/$number.output"
    fi > "$work/$number.section" &
done
wait
[ "$number" = 0 ] || cat "$work"/*.section
