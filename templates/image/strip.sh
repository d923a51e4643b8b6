#!/bin/sh
# Remove the symbols for debuggers and linkers from the programs and libraries in the current folder, because nothing
# reads them at run time. Modes, owners and hard links stay.
# The first argument is the name of the stage, which the error for a missing program shows. The others are the lists of
# own files and downloads, which stay unchanged.
#
# Each program inspects or changes many files, because a process for each file would take most of the time.
set -eu
export LC_ALL=C
stage=$1
shift

if ! command -v strip > /dev/null; then
    echo "strip: not found, but \"debug-symbols\" in trim needs it" >&2
    echo "hint: add binutils to the packages of $stage, or remove \"debug-symbols\" from trim" >&2
    exit 127
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
touch "$work/chosen" "$work/links" "$work/kept"

# The path in the image is the last part of each line.
cat /dev/null "$@" | sed "s|^[^ ]* [^ ]* [^ ]* ||; s|^$PWD\$|.|; s|^$PWD/|./|" > "$work/own"

# List programs, libraries, and all names of hard links. Lists have a path in each line, so none contains a line break.
with_line_break='*
*'
set -- -name '*.so' -o -name '*.so.*' -o -name '*.node' -o -perm -100
find . -xdev -type f ! -path "$with_line_break" '(' "$@" -o -links +1 ')' -exec stat -c '%d:%i %s %n' {} + \
    > "$work/files"
# The shell comes first, to show the machine of the image. readelf rejects files of other formats, such as scripts.
find . -xdev -type f ! -path "$with_line_break" '(' "$@" ')' -exec readelf --headers --wide /bin/sh {} + \
    > "$work/headers" 2> /dev/null || true

awk -v work="$work" '
    # Libraries in NAME.libs were patched by auditwheel, and strip would break them.
    function must_stay(path) {
        if (index(path, ".libs/")) return 1
        do if (path in own) return 1; while (sub(/\/[^\/]*$/, "", path))
        return 0
    }

    # Return whether a file has the sections of a linker, with their headers at its end. Otherwise a tool has changed
    # it: it may contain an archive, which strip would remove, or patched paths or code, which strip may break.
    function is_unchanged() { return !is_patched && start + width * number == size[file] }

    # Decide about the file whose headers were read. Programs that load or link object files and kernel modules, whose
    # type is REL, need their symbols.
    function finish() {
        if (!has_symbols || type !~ /^(DYN|EXEC)$/ || !(file in inode) || inode[file] in done) return
        done[inode[file]]
        if (machine == native && is_unchanged()) choose()
        else print file > (work "/kept")
    }

    # Choose a file, and list its other names: writing to a file of an earlier layer copies it, without its hard links.
    function choose(  count, i, name) {
        print file > (work "/chosen")
        count = split(names[inode[file]], name, "\n")
        for (i = 1; i < count; i++) if (name[i] != file) print file "\n" name[i] > (work "/links")
    }

    input == "own" { own[$0]; next }

    input == "files" {
        path = $0
        sub(/^[^ ]* [^ ]* /, "", path)
        if (must_stay(path)) done[$1]
        inode[path] = $1
        size[path] = $2
        names[$1] = names[$1] path "\n"
        next
    }

    /^File: / {
        finish()
        file = substr($0, 7)
        has_symbols = is_patched = 0
    }
    /^  Type:/ { type = $2 }
    /^  Machine:/ { machine = $0; if (native == "") native = machine }
    /^  Start of section headers:/ { start = $5 }
    /^  Size of section headers:/ { width = $5 }
    /^  Number of section headers:/ { number = $5 }

    /^ +\[ *[0-9]+\] \.(symtab |z?debug_)/ { has_symbols = 1 }
    # BOLT moves code. patchelf moves sections to the start of a program, and makes it writable.
    /^ +\[ *[0-9]+\] \.(note\.)?bolt/ || /^  LOAD +0x0+ .* RW/ { is_patched = 1 }

    END { finish() }
' input=own "$work/own" input=files "$work/files" input=headers "$work/headers"

# This also removes the relocations that only tools such as BOLT need. The symbols and relocations for the dynamic
# linker stay. So do the notes, because `orbiter audit` compares them.
strip_all() { tr '\n' '\0' | xargs -0 -r strip --strip-all --no-merge-notes 2> "$work/errors"; }

# Strip each file alone, after strip has failed for one of them. That file stays, but only if it is complete.
strip_each() {
    while IFS= read -r file; do
        if printf '%s\n' "$file" | strip_all; then continue; fi
        grep -qF " $(stat -c '%s %n' "$file")" "$work/files" || exit 1
        printf '%s\n' "$file" >> "$work/kept"
    done
}

status=0
strip_all < "$work/chosen" || status=$?
cat "$work/errors" >&2
case $status in
    0) ;;
    123) strip_each < "$work/chosen" ;;
    *) exit 1 ;;  # strip crashed, and may have left a temporary file
esac

while IFS= read -r file && IFS= read -r name; do ln -f "$file" "$name"; done < "$work/links"
sort "$work/kept" | sed 's/$/ keeps its symbols/' >&2
