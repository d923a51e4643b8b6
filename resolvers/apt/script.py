"""Shell programs that run apt in a base image."""

import shlex
from collections.abc import Mapping

from resolvers.distro import python as distro_python
from resolvers.types import Group

FACTS = (
    """\
set -eu
export LC_ALL=C
say() { printf '@@ %s\\n' "$*"; }
say facts
apt-get --version | sed -n '1s/^apt \\([^ ]*\\).*/apt \\1/p'
dpkg-query -W -f 'glibc ${Version}\\n' libc6 || true
apt-get indextargets --no-release-info --format 'mirror $(REPO_URI)' 'Created-By: Packages'
"""
    + distro_python.FACTS
)

# Lists are kept uncompressed (apt then reads single records five times faster) and by the sources they come
# from. The cache of installed packages is not kept: apt tells a stale one by time and size alone, and
# those of two base images may be the same.
SETUP = """\
exec 9>/cache/lock
flock 9
trap 'chown -R --reference=/cache /cache/* || true' EXIT
kept=/cache/$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | sha256sum | cut -c 1-16)
work=/tmp/orbiter
mkdir -p "$kept/lists/partial" $work/archives/partial
cat > /etc/apt/apt.conf.d/zzz-orbiter <<END
Dir::State::lists "$kept/lists";
Dir::Cache::srcpkgcache "$kept/srcpkgcache.bin";
Dir::Cache::pkgcache "$work/pkgcache.bin";
Dir::Cache::archives "$work/archives";
Acquire::GzipIndexes "false";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
APT::Cmd::Pattern-Only "true";
APT::Install-Recommends "false";
APT::Install-Suggests "false";
END
fail() { say failed "$1"; cat $work/words; exit 0; }
solve() {
    number=$1 requirements=$2
    shift 2
    for parent; do cat "$work/$parent.all"; done > $work/before
    apt-get install -q -y --no-remove --print-uris $(sort -u $work/before) $requirements \\
        > $work/words 2>&1 || fail "$number"
    sed -n "s/^'[^']*' \\([^_]*\\)_\\([^_]*\\)_\\([^_]*\\)\\.deb [0-9].*/\\1:\\3=\\2/p" $work/words \\
        | sed 's/:all=/=/; s/%3a/:/' > "$work/$number.all"
    say group "$number"
    cat "$work/$number.all"
}
apt-get update -q > $work/words 2>&1 || fail update
"""

FROM_NOTHING = """\
: > $work/status
echo "Dir::State::status \\"$work/status\\";" >> /etc/apt/apt.conf.d/zzz-orbiter
keys=$(ls /usr/share/keyrings/debian-archive-keyring.[gp]* | head -n 1)
say signers
signed() {
    for index in "$kept"/lists/*_InRelease; do
        case $1 in "${index%InRelease}"*) return 0 ;; esac
    done
    return 1
}
for list in $(apt-get indextargets --no-release-info --format '$(FILENAME)' 'Created-By: Packages'); do
    signed "$list" || { echo "$list has no InRelease" > $work/words; fail keys; }
done
for index in "$kept"/lists/*_InRelease; do
    if command -v sqv > /dev/null; then
        rm -f $work/signed
        found=$(sqv --keyring "$keys" --cleartext --output $work/signed "$index" 2> $work/words) || fail keys
    else
        found=$(gpgv --status-fd 1 --keyring "$keys" "$index" 2> $work/words) || fail keys
    fi
    echo "$found" | sed -n 's/^.* VALIDSIG .* //; /^[0-9A-F]\\{40,64\\}$/p'
done
"""
"""Starts apt from no package, and names the keys that signed the index: Debian's own, whatever the sources say."""

SHOW = """\
say packages
sort -u $work/*.all | xargs -r apt-cache show --no-all-versions > $work/words
fields='Package|Architecture|Version|Filename|Size|SHA256|Depends|Pre-Depends|Provides'
grep -E "^(($fields): |\\$)" $work/words || true
"""


def script(groups: tuple[Group, ...], pins: Mapping[str, str], suite: str = "") -> str:
    """The script that solves: sections of its output start with lines ``@@ <title>``."""
    numbers = {group.name: number for number, group in enumerate(groups)}
    stanzas = "".join(
        f"Package: {name}\nPin: {pins[name]}\nPin-Priority: 999\n\n" for name in sorted(pins)
    )
    lines = [f"printf %s {shlex.quote(stanzas)} > /etc/apt/preferences.d/00-orbiter"]
    for number, group in enumerate(groups):
        parents = [str(numbers[parent]) for parent in group.parents if parent in numbers]
        lines.append(
            " ".join(["solve", str(number), shlex.quote(" ".join(group.requirements)), *parents])
        )
    return FACTS + SETUP + (FROM_NOTHING if suite else "") + "\n".join(lines) + "\n" + SHOW
