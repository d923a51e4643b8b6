#!/bin/sh
# Ask the sources of the base image for their indexes as apt does, without the lists of packages.
#
# Sections of the output:
#   reached <address>
#   failed <address>   the output of apt
set -eu
export LC_ALL=C

say() { printf '@@ %s\n' "$*"; }

ask() {
    /usr/lib/apt/apt-helper -o Acquire::Retries=0 download-file "$1" /tmp/orbiter-index \
        > /tmp/orbiter-output 2>&1
}

for address in $(apt-get update --print-uris | sed -n "s/^'\(.*InRelease\)'.*/\1/p"); do
    if ask "$address"; then
        say "reached $address"
    else
        say "failed $address"
        cat /tmp/orbiter-output
    fi
done
