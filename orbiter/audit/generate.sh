#!/bin/sh
# Make the generated files of an image again, in a container of verified files, and list them in /made.txt.
# COMPILE says that the build compiles the standard library of Python.
set -u
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp
mkdir -p /tmp /var/cache/ldconfig
chmod 1777 /tmp
touch -d '2001-01-01 00:00:00' /tmp/began
has() { command -v "$1" > /dev/null; }
has ldconfig && ldconfig
if test -d /usr/share/ca-certificates && has update-ca-certificates; then
    mkdir -p /etc/ssl/certs
    update-ca-certificates --fresh > /dev/null 2>&1
fi
has update-mime-database && update-mime-database /usr/share/mime > /dev/null 2>&1
has glib-compile-schemas && glib-compile-schemas /usr/share/glib-2.0/schemas > /dev/null 2>&1
for program in /usr/lib/*/gdk-pixbuf-2.0/gdk-pixbuf-query-loaders; do
    test ! -x "$program" || (cd "${program%/*}/2.10.0" && "$program" "$PWD"/loaders/*.so > loaders.cache)
done
for program in /usr/lib/*/glib-2.0/gio-querymodules; do
    test ! -x "$program" || "$program" /usr/lib/*/gio/modules
done
if test -x /usr/bin/python3 && test -n "$COMPILE"; then
    # As in a build, modules that Python imports here are already compiled. Byte-code depends on that.
    mkdir -p /tmp/empty
    /usr/bin/python3 -m compileall -q /tmp/empty
    PYTHONHASHSEED=0 /usr/bin/python3 -B -m compileall -q -f --invalidation-mode unchecked-hash /usr/lib/python3.*
fi
if test -x /usr/bin/python3; then
    for source in /usr/share/python3/*.py; do
        test ! -e "$source" || SOURCE_DATE_EPOCH=1 /usr/bin/python3 -B -m py_compile "$source"
    done
fi
cd /
find etc/ld.so.cache etc/ssl/certs usr/share/mime usr/share/glib-2.0 usr/share/python3 usr/share/applications \
    usr/share/icons usr/lib -type f -newer /tmp/began > /tmp/files 2> /dev/null
xargs -r sha256sum < /tmp/files > /made.txt
find etc/ssl/certs -type l 2> /dev/null | while read -r link; do
    echo "link $(readlink "$link") $link"
done >> /made.txt
