#!/bin/sh
# Remove the debug symbols of the programs and libraries in the current folder. Modes, owners and hard links stay.
# The first argument is the name of the stage, which the error for a missing program shows. The others are the lists of
# own files and downloads, which stay unchanged.
set -eu
export LC_ALL=C
stage=$1
shift

if ! command -v strip > /dev/null; then
    echo "strip: not found, but \"debug-symbols\" in trim needs it" >&2
    echo "hint: add binutils to the packages of $stage, or remove \"debug-symbols\" from trim" >&2
    exit 127
fi

is_elf() { test "$(head -c 4 "$1" | tr -d '\000')" = "$(printf '\177ELF')"; }

has_debug_symbols() { readelf --section-headers --wide "$1" | grep -qE ' \.z?debug_'; }

# Return whether a file ends with its section headers, as linkers write them. Otherwise a tool has changed it: it may
# contain an archive, which strip would remove, or patched paths, which strip may break.
is_unchanged() {
    end=$(readelf --file-header "$1" | awk '
        /Start of section headers/ { start = $5 }
        /Size of section headers/ { size = $5 }
        /Number of section headers/ { number = $5 }
        END { print start + size * number }')
    test "$(stat -c %s "$1")" = "$end"
}

# Replace the content of a file, and link its other names to it again: writing to a file of an earlier layer copies it.
replace_content() {
    : > .names
    test "$(stat -c %h "$2")" = 1 || find . -xdev -type f -inum "$(stat -c %i "$2")" ! -path "$2" > .names
    cat "$1" > "$2"
    while IFS= read -r name; do ln -f "$2" "$name"; done < .names
}

# The path in the image is the last part of each line.
cat /dev/null "$@" | sed "s|^[^ ]* [^ ]* [^ ]* ||; s|^$PWD/|./|" > .kept
# Libraries in NAME.libs were patched by auditwheel, and strip would break them.
find . -xdev -type f '(' -name '*.so' -o -name '*.so.*' -o -name '*.node' -o -perm -100 ')' ! -path '*.libs/*' |
    awk 'FILENAME == ".kept" { kept[$0 "/"]; next }
        { for (path in kept) if (index($0 "/", path) == 1) next; print }' .kept - > .files
while IFS= read -r file; do
    if ! is_elf "$file" || ! has_debug_symbols "$file"; then continue; fi
    if is_unchanged "$file" && strip --strip-debug -o .stripped "$file"; then
        replace_content .stripped "$file"
    else
        echo "$file keeps its debug symbols" >&2
    fi
done < .files
rm -f .files .kept .names .stripped
