#!/bin/sh
# Report the base image: the versions of apk, musl and Python, its world and its repositories.
#
# Needs busybox and apk 2.12 or newer, including apk 3. Sections of the output begin with a line
# "@@ <title>".
set -eu
export LC_ALL=C

say() { printf '@@ %s\n' "$*"; }

# Older releases have the database in /lib.
database=/lib/apk/db/installed
[ -e "$database" ] || database=/usr/lib/apk/db/installed

say facts
apk --version | sed -n 's/^apk-tools \([^ ,]*\).*/apk \1/p'
awk -v RS= -F '\n' '$2 == "P:musl" { print "musl " substr($3, 3) }' "$database"
sed 's/^/world /' /etc/apk/world
cat /etc/apk/repositories /etc/apk/repositories.d/*.list 2>/dev/null | sed 's/^/repository /'
