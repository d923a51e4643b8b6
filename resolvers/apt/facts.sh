#!/bin/sh
# Report the base image: the versions of apt, glibc and Python, and its mirrors.
#
# Sections of the output begin with a line "@@ <title>".
set -eu
export LC_ALL=C

say() { printf '@@ %s\n' "$*"; }

say facts
apt-get --version | sed -n '1s/^apt \([^ ]*\).*/apt \1/p'
# shellcheck disable=SC2016 # dpkg and apt expand these
dpkg-query -W -f 'glibc ${Version}\n' libc6 || true
# shellcheck disable=SC2016
apt-get indextargets --no-release-info --format 'mirror $(REPO_URI)' 'Created-By: Packages'
