#!/bin/sh
# Ask each repository of the base image for its index as apk does.
#
# Sections of the output:
#   reached <line of /etc/apk/repositories>
#   failed <line of /etc/apk/repositories>   the output of apk
set -eu
export LC_ALL=C

say() { printf '@@ %s\n' "$*"; }

# A firewall may drop every packet. By default, apk then waits for a minute.
# apk 3 reports a repository that does not answer, and may exit with 0.
ask() {
    echo "$1" > /tmp/orbiter-repository
    apk --no-progress --timeout 20 --repositories-file /tmp/orbiter-repository update \
        > /tmp/orbiter-output 2>&1 \
        && ! grep -qE '^[0-9]+ (unavailable|errors)' /tmp/orbiter-output
}

cat /etc/apk/repositories /etc/apk/repositories.d/*.list 2>/dev/null \
    | sed '/^ *#/d; /^ *$/d' > /tmp/orbiter-repositories
while read -r repository <&3; do
    if ask "$repository"; then
        say "reached $repository"
    else
        say "failed $repository"
        cat /tmp/orbiter-output
    fi
done 3< /tmp/orbiter-repositories
