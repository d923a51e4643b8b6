#!/bin/sh
# Resolve all stages with apt. Runs after facts.sh, in the same shell.
#
# Variables:
#   preferences  pins, as in apt_preferences(5)
#   suite        the release of Debian for a base built from packages, empty for a base image
#   architecture Debian's name of the platform to resolve for, empty for the one of the base image
#   repositories lines "<name> <address> <suite> <components> <fingerprint> <format of the key> <key>"
#                with "-" for none, components separated by commas, and the key in base64
#   own_index    records of packages that no source has, as in a Packages file; may be empty
#   stages       lines "<number>:<numbers of the parents>:<requirements>", parents first
#   recommending the numbers of the stages that also install recommended packages
#
# Sections of the output:
#   signers         the fingerprints of the keys that signed the index, with a suite
#   group <number>  the packages after the stage: lines "<name>:<architecture>=<version>"
#   packages        the records of all packages in the index
#   addresses       lines "<name>:<architecture>=<version> <address of the file>"
#   versions        of packages that a failed stage requires in one version: lines "<name> <version>"
#   failed <step>   the output of apt, if a step failed: update, keys or a stage's number
: "${preferences?}" "${suite?}" "${architecture?}" "${repositories?}" "${stages:?}"
: "${recommending?}" "${own_index?}"

exec 9>/cache/lock
flock 9
trap 'chown -R --reference=/cache /cache/* || true' EXIT

# Add the repositories of images.toml. Each one is trusted by its own key only.
add_repositories() {
    while read -r name address suites components fingerprint format key <&4; do
        file=/etc/apt/sources.list.d/zzz-orbiter-$name.sources
        signed_by=$keyrings/$name.$format
        if [ "$address" = - ]; then
            # Only a suite of the base's own mirrors has Debian's signature, which is checked below.
            file=/etc/apt/sources.list.d/zzz-base-$name.sources
            address=$(base_mirror) signed_by=$(keys_of_base_mirror)
        elif [ "$fingerprint" != - ]; then
            signed_by="$(base_keyrings) $fingerprint"
        else
            echo "$key" | base64 -d > "$signed_by"
        fi
        {
            printf 'Types: deb\nURIs: %s\nSuites: %s\n' "$address" "$suites"
            [ "$components" = - ] || echo "Components: $components" | tr , ' '
            # shellcheck disable=SC2086 # keyrings on several lines become one line
            [ -z "$signed_by" ] || echo "Signed-By:" $signed_by
        } > "$file"
    done 4<<END
$repositories
END
}

base_mirror() {
    # shellcheck disable=SC2016 # apt expands this
    apt-get indextargets --no-release-info --format '$(REPO_URI)' 'Created-By: Packages' \
        | sed -n 1p
}

# Print the keyring that the sources of the base name for its first mirror, if they name one.
keys_of_base_mirror() {
    # shellcheck disable=SC2016 # apt expands this
    entry=$(apt-get indextargets --no-release-info --format '$(SOURCESENTRY)' \
        'Created-By: Packages' | sed -n 1p)
    sed -n 's/^Signed-By: *\(\/[^ ]*\) *$/\1/p; s/.*signed-by=\(\/[^] ]*\).*/\1/p' "${entry%:*}" \
        | sed -n 1p
}

base_keyrings() {
    for keyring in /etc/apt/trusted.gpg.d/* /etc/apt/keyrings/* /usr/share/keyrings/*; do
        case $keyring in
        *removed-keys*) ;; # no longer trusted
        *.gpg | *.pgp | *.asc) [ ! -f "$keyring" ] || echo "$keyring" ;;
        esac
    done
}

keyrings=/tmp/orbiter-keyrings
mkdir -p "$keyrings"
[ -z "$repositories" ] || add_repositories

# The cache has a folder for each combination of sources and keys. Lists are uncompressed because apt then
# reads single records five times faster. The cache of installed packages is not kept: apt detects a
# stale one only by time and size, which may be the same for two base images.
cache=/cache/$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* "$keyrings"/* 2>/dev/null \
    | sha256sum | cut -c 1-16)
work=/tmp/orbiter
status=/var/lib/dpkg/status
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
if [ -n "$architecture" ]; then
    cat >> /etc/apt/apt.conf.d/zzz-orbiter <<END
APT::Architecture "$architecture";
#clear APT::Architectures;
APT::Architectures { "$architecture"; };
END
fi
if [ -e /cache/certificates.pem ] && [ ! -e /etc/ssl/certs/ca-certificates.crt ]; then
    echo 'Acquire::https::CAInfo "/cache/certificates.pem";' >> /etc/apt/apt.conf.d/zzz-orbiter
fi

# End the script with the output of the step that failed.
fail() {
    say failed "$1"
    cat "$work/output"
    exit 0
}

# Let apt start without any installed package.
start_from_nothing() {
    status=$work/status
    : > "$status"
    echo "Dir::State::status \"$work/status\";" >> /etc/apt/apt.conf.d/zzz-orbiter
}

# Print the keys that signed the index of the base's mirrors. They must be Debian's own, even if the
# sources trust others. apt itself has verified the repositories of images.toml by their keys.
verify_signers() {
    # shellcheck disable=SC2012 # these names have no special characters
    keys=$(ls /usr/share/keyrings/debian-archive-keyring.[gp]* | head -n 1)
    # shellcheck disable=SC2016 # apt expands this
    lists=$(apt-get indextargets --no-release-info --format '$(SOURCESENTRY) $(FILENAME)' \
        'Created-By: Packages' | sed '/^[^ ]*\/zzz-orbiter-/d; s/^[^ ]* //')
    for list in $lists; do
        has_signed_release "$list" || { echo "$list has no InRelease" > "$work/output"; fail keys; }
    done
    for index in "$cache"/lists/*_InRelease; do
        echo "$lists" | grep -qF "${index%InRelease}" || continue
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

# Print the status of dpkg with the packages of the parents installed. apt then installs what the
# packages of the stage recommend, but not what those of its parents recommend.
status_of_parents() {
    sort -u "$work/before" | xargs -r apt-cache show --no-all-versions \
        | sed 's/^Package: /Status: install ok installed\n&/' > "$work/parents"
    # A package of the parents replaces the same one of the base image.
    awk -v RS= -v ORS='\n\n' -F '\n' '
        FILENAME ~ /parents$/ { replaced[$2]; print; next }
        !($1 in replaced)' "$work/parents" "$status"
}

# Resolve one stage on top of its parents.
solve_stage() {
    number=$1 parents=$2 requirements=$3
    for parent in $parents; do cat "$work/$parent.all"; done > "$work/before"
    set --
    case " $recommending " in *" $number "*)
        status_of_parents > "$work/$number.status"
        set -- -o APT::Install-Recommends=true -o "Dir::State::status=$work/$number.status" \
            -o "Dir::Cache::pkgcache=$work/$number.bin"
        cp "$work/before" "$work/$number.all"
        ;;
    esac
    # shellcheck disable=SC2046,SC2086 # one package per word
    apt-get install -q -y --no-remove --print-uris "$@" $(sort -u "$work/before") $requirements \
        > "$work/output" 2>&1 || { list_versions "$requirements"; fail "$number"; }
    # From "'http://.../x.deb' name_1%3a1.0_amd64.deb 1234 SHA256:..." to "name:amd64=1:1.0".
    sed -n "s/^'[^']*' \([^_]*\)_\([^_]*\)_\([^_]*\)\.deb [0-9].*/\1:\3=\2/p" "$work/output" \
        | sed 's/:all=/=/; s/%3a/:/' >> "$work/$number.all"
    sed -n "s/^'\([^']*\)' \([^_]*\)_\([^_]*\)_\([^_]*\)\.deb [0-9].*/\2:\4=\3 \1/p" "$work/output" \
        | sed 's/^\([^ ]*\):all=/\1=/; s/^\([^ ]*\)%3a/\1:/' >> "$work/addresses"
    say group "$number"
    cat "$work/$number.all"
}

# Let apt know packages that no source has. Its files are never read, only their records.
add_own_index() {
    mkdir "$work/index"
    printf '%s\n' "$own_index" > "$work/index/Packages"
    echo "deb [trusted=yes] file:$work/index ./" > /etc/apt/sources.list.d/zzz-orbiter-index.list
    # Another run may have another index with the same time and size.
    echo "Dir::Cache::srcpkgcache \"$work/srcpkgcache.bin\";" >> /etc/apt/apt.conf.d/zzz-orbiter
}

[ -z "$own_index" ] || add_own_index
apt-get update -q > "$work/output" 2>&1 || fail update
if [ -n "$suite" ]; then
    start_from_nothing
    say signers
    verify_signers
fi
printf %s "$preferences" > /etc/apt/preferences.d/00-orbiter
set -f # so that name=1.2.* does not become the names of files
while IFS=: read -r number parents requirements <&3; do
    solve_stage "$number" "$parents" "$requirements"
done 3<<END
$stages
END
set +f

say addresses
[ ! -e "$work/addresses" ] || sort -u "$work/addresses"
say packages
sort -u "$work"/*.all | xargs -r apt-cache show --no-all-versions > "$work/output"
fields='Package|Source|Architecture|Version|Filename|Size|SHA256|Depends|Pre-Depends|Provides|Recommends'
grep -E "^(($fields): |\$)" "$work/output" || true
