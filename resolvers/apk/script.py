"""The scripts that run in the base image: POSIX sh with busybox's tools, and apk 2.12 or newer, 3 included.

Sections of their output start with lines ``@@ <title>``. Of what apk says, only what apk 2 and apk 3 say alike is read:
what it would do, and ``apk policy``; all else is read from the signed index itself.
"""

import shlex
from collections.abc import Mapping

from resolvers.distro import python
from resolvers.types import Group

FACTS = (
    """\
set -eu
export LC_ALL=C
say() { printf '@@ %s\\n' "$*"; }
database=/lib/apk/db/installed
[ -e $database ] || database=/usr/lib/apk/db/installed
say facts
apk --version | sed -n 's/^apk-tools \\([^ ,]*\\).*/apk \\1/p'
awk -v RS= -F '\\n' '$2 == "P:musl" { print "musl " substr($3, 3) }' $database
sed 's/^/world /' /etc/apk/world
cat /etc/apk/repositories /etc/apk/repositories.d/*.list 2>/dev/null | sed 's/^/repository /'
"""
    + python.FACTS
)

# Indexes and packages are kept by the repositories they come from and by the keys that are trusted. A record of an
# index, and of apk's database, begins with the lines C: (checksum), P: (name) and V: (version). All that a solve asks
# goes through the file of the world: on apk's command line a name replaces what was said of it before. A pin is told
# as all other versions that there are, so that it makes nothing appear.
SETUP = """\
exec 9>/cache/lock
flock 9
trap 'chown -R "$(stat -c %u:%g /cache)" /cache/* || true' EXIT
kept=/cache/$(cat /etc/apk/repositories /etc/apk/repositories.d/*.list /etc/apk/keys/* 2>/dev/null \\
    | sha256sum | cut -c 1-16)
work=/tmp/orbiter
mkdir -p "$kept" $work
apk() { command apk --cache-dir "$kept" --no-progress "$@"; }
fail() { say failed "$1"; cat $work/words; exit 0; }
exclude() {
    awk '
        FILENAME ~ /pins$/ { kind["P:" $2] = $1; pin["P:" $2] = "V:" $3; next }
        !($2 in pin) { next }
        FILENAME ~ /installed$/ { installed[$2] = $3 }
        pin[$2] == $3 { known[$2] }
        pin[$2] != $3 { other[$2 "\\n" $3] }
        END {
            for (each in other) {
                split(each, line, "\\n")
                free = kind[line[1]] == "soft" && installed[line[1]] == line[2]
                if (line[1] in known && !free) print "!" substr(line[1], 3) "=" substr(line[2], 3)
            }
        }' $work/pins RS= FS='\\n' $database $work/index
}
solve() {
    number=$1 requirements=$2
    shift 2
    for parent; do sed 's/ /=/' "$work/$parent.all"; done | sort -u > $work/before
    { cat $work/world $work/before; printf '%s\\n' $requirements; cat $work/excluded; } > /etc/apk/world
    apk add --simulate > $work/words 2>&1 || fail "$number"
    sed -n 's/^( *[0-9]*\\/[0-9]*) \\([A-Z][a-z]*\\) \\([^ @]*\\)[^ ]* (\\(.* \\)*\\([^ ]*\\))$/\\1 \\2 \\4/p' \\
        $work/words > $work/actions
    sed -n '/^Purging /!s/^[^ ]* //p' $work/actions > "$work/$number.all"
    say group "$number"
    cat $work/actions
}
awk 1 /etc/apk/world > $work/world
update() { apk update > $work/words 2>&1 && ! grep -qE '^[0-9]+ (unavailable|errors)' $work/words; }
update || update || fail update  # a connection may break, and apk does not try again
for index in "$kept"/APKINDEX.*.tar.gz; do tar -xzOf "$index" APKINDEX && echo; done > $work/index
"""

# Files are kept by name, version and the first bytes of their checksum, as apk names them in its own cache. Only what
# is missing is fetched. apk 2 fetches without looking: `apk verify` checks that a file is whole and signed by a trusted
# key, which an install without a repository relies on, and `apk index` says its true checksum.
SHOW = """\
sort -u $work/*.all > $work/everything
awk 'FILENAME ~ /everything$/ { is["P:" $1 "\\nV:" $2]; next } ($2 "\\n" $3) in is' \\
    $work/everything RS= ORS='\\n\\n' FS='\\n' $work/index > $work/records
starts() {
    awk -v RS= -F '\\n' -v digits=ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/ '{
        n = 0
        for (at = 5; at < 11; at++) n = n * 64 + index(digits, substr($1, at, 1)) - 1
        n = int(n / 16)
        printf "%s %s %04x%04x\\n", substr($2, 3), substr($3, 3), n / 65536, n % 65536
    }'
}
starts < $work/records | while read -r name version start; do
    [ -e "$kept/$name-$version.$start.apk" ] || echo "$name $version"
done | sort -u > $work/missing
new=$work/new
fetch() {
    rm -rf $new
    mkdir $new
    case $(command apk --version) in
    "apk-tools 2."*) apk fetch -o $new $(cut -d ' ' -f 1 $work/missing) ;;
    *) apk fetch -o $new --match package $(tr ' ' - < $work/missing) ;;
    esac > $work/words 2>&1
}
if [ -s $work/missing ]; then
    fetch || fetch || fail fetch
    apk verify $new/*.apk > $work/words 2>&1 || fail verify
    apk index -o $work/new.tar.gz $new/*.apk > $work/words 2>&1 || fail verify
    tar -xzOf $work/new.tar.gz APKINDEX | starts > $work/fetched
    while read -r name version start; do
        file=$name-$version.$start.apk
        sum=$(sha256sum < "$new/$name-$version.apk")
        echo "${sum%% *} $(stat -c %s "$new/$name-$version.apk") $file" >> "$kept/sums"
        mv "$new/$name-$version.apk" "$kept/$file"
    done < $work/fetched
fi
say sums
[ ! -e "$kept/sums" ] || cat "$kept/sums"
say policy
names=$(cut -d ' ' -f 1 $work/everything | sort -u)
[ -z "$names" ] || apk policy $names
say packages
cat $work/records
"""


def script(groups: tuple[Group, ...], pins: Mapping[str, str], hard: frozenset[str]) -> str:
    """The script that solves all groups, parents first.

    ``pins`` maps a name to the one version of the index that may be added; for those in ``hard`` the version that the
    base image has will not do either.
    """
    numbers = {group.name: number for number, group in enumerate(groups)}
    lines = [f"{'hard' if name in hard else 'soft'} {name} {pins[name]}\n" for name in sorted(pins)]
    steps = [f"printf %s {shlex.quote(''.join(lines))} > $work/pins", "exclude > $work/excluded"]
    for number, group in enumerate(groups):
        parents = [str(numbers[parent]) for parent in group.parents if parent in numbers]
        steps.append(
            " ".join(["solve", str(number), shlex.quote(" ".join(group.requirements)), *parents])
        )
    return FACTS + SETUP + "\n".join(steps) + "\n" + SHOW
