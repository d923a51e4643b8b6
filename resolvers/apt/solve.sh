#!/bin/sh
# Resolve all stages with apt. Runs after facts.sh, in the same shell.
#
# Variables:
#   preferences  pins, as in apt_preferences(5)
#   suite        the release of Debian for a base built from packages, empty for a base image
#   stages       lines "<number>:<numbers of the parents>:<requirements>", parents first
#
# Sections of the output:
#   signers         the fingerprints of the keys that signed the index, with a suite
#   group <number>  the packages after the stage: lines "<name>:<architecture>=<version>"
#   packages        the records of all packages in the index
#   versions        of packages that a failed stage requires in one version: lines "<name> <version>"
#   failed <step>   the output of apt, if a step failed: update, keys or a stage's number
: "${preferences?}" "${suite?}" "${stages:?}"

exec 9>/cache/lock
flock 9
trap 'chown -R --reference=/cache /cache/* || true' EXIT

# The cache has a folder for each combination of sources. Lists are uncompressed because apt then
# reads single records five times faster. The cache of installed packages is not kept: apt detects a
# stale one only by time and size, which may be the same for two base images.
cache=/cache/$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | sha256sum | cut -c 1-16)
work=/tmp/orbiter
mkdir -p "$cache/lists/partial" "$work/archives/partial"
cat > /etc/apt/apt.conf.d/zzz-orbiter <<END
Dir::State::lists "$cache/lists";
Dir::Cache::srcpkgcache "$cache/srcpkgcache.bin";
Dir::Cache::pkgcache "$work/pkgcache.bin";
Dir::Cache::archives "$work/archives";
Acquire::GzipIndexes "false";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
APT::Cmd::Pattern-Only "true";
APT::Install-Recommends "false";
APT::Install-Suggests "false";
END

# End the script with the output of the step that failed.
fail() {
    say failed "$1"
    cat "$work/output"
    exit 0
}

# Let apt start without any installed package.
start_from_nothing() {
    : > "$work/status"
    echo "Dir::State::status \"$work/status\";" >> /etc/apt/apt.conf.d/zzz-orbiter
}

# Print the keys that signed the index. They must be Debian's own, even if the sources trust others.
verify_signers() {
    # shellcheck disable=SC2012 # these names have no special characters
    keys=$(ls /usr/share/keyrings/debian-archive-keyring.[gp]* | head -n 1)
    # shellcheck disable=SC2016 # apt expands this
    lists=$(apt-get indextargets --no-release-info --format '$(FILENAME)' 'Created-By: Packages')
    for list in $lists; do
        has_signed_release "$list" || { echo "$list has no InRelease" > "$work/output"; fail keys; }
    done
    for index in "$cache"/lists/*_InRelease; do
        signers=$(verify "$index") || fail keys
        echo "$signers" | sed -n 's/^.* VALIDSIG .* //; /^[0-9A-F]\{40,64\}$/p'
    done
}

has_signed_release() {
    for index in "$cache"/lists/*_InRelease; do
        case $1 in "${index%InRelease}"*) return 0 ;; esac
    done
    return 1
}

# Print the fingerprints of the keys with sqv, or gpgv's status lines on older releases.
verify() {
    if command -v sqv > /dev/null; then
        rm -f "$work/signed"
        sqv --keyring "$keys" --cleartext --output "$work/signed" "$1" 2> "$work/output"
    else
        gpgv --status-fd 1 --keyring "$keys" "$1" 2> "$work/output"
    fi
}

# Print all versions of the packages that are required in one version.
list_versions() {
    say versions
    for requirement in $1; do
        case $requirement in *=*) apt-cache madison "${requirement%%=*}" ;; esac
    done | sed -n 's/^ *\([^ |]*\) *| *\([^ |]*\) *|.*/\1 \2/p' | sort -u
}

# Resolve one stage on top of its parents.
solve_stage() {
    number=$1 parents=$2 requirements=$3
    for parent in $parents; do cat "$work/$parent.all"; done > "$work/before"
    # shellcheck disable=SC2046,SC2086 # one package per word
    apt-get install -q -y --no-remove --print-uris $(sort -u "$work/before") $requirements \
        > "$work/output" 2>&1 || { list_versions "$requirements"; fail "$number"; }
    # From "'http://.../x.deb' name_1%3a1.0_amd64.deb 1234 SHA256:..." to "name:amd64=1:1.0".
    sed -n "s/^'[^']*' \([^_]*\)_\([^_]*\)_\([^_]*\)\.deb [0-9].*/\1:\3=\2/p" "$work/output" \
        | sed 's/:all=/=/; s/%3a/:/' > "$work/$number.all"
    say group "$number"
    cat "$work/$number.all"
}

apt-get update -q > "$work/output" 2>&1 || fail update
if [ -n "$suite" ]; then
    start_from_nothing
    say signers
    verify_signers
fi
printf %s "$preferences" > /etc/apt/preferences.d/00-orbiter
while IFS=: read -r number parents requirements <&3; do
    solve_stage "$number" "$parents" "$requirements"
done 3<<END
$stages
END

say packages
sort -u "$work"/*.all | xargs -r apt-cache show --no-all-versions > "$work/output"
fields='Package|Architecture|Version|Filename|Size|SHA256|Depends|Pre-Depends|Provides'
grep -E "^(($fields): |\$)" "$work/output" || true
