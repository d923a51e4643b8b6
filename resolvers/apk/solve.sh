#!/bin/sh
# Resolve all stages with apk, and fetch the packages that they add. Runs after facts.sh, in the
# same shell.
#
# Variables:
#   pins    lines "<hard or soft> <name> <version>": no other version of the index may be installed.
#           With "soft", the version in the base image may stay.
#   repositories  lines "<tag> <address> <name of the key> <key>"; the lines of the key end with "|"
#   own_index  records of packages that no repository has, as in an APKINDEX; may be empty
#   stages  lines "<number>:<numbers of the parents>:<requirements>", parents first
#
# Sections of the output:
#   group <number>  lines "<action> <name> <version>"; "@<tag>" may follow the name
#   sums            lines "<sha256> <size> <file in the cache>"
#   policy          the output of apk policy for all packages
#   packages        the records of all packages in the index
#   failed <step>   the output of apk, if a step failed: update, fetch, verify or a stage's number
#
# From apk's output, the script reads only the parts that apk 2 and apk 3 print alike: the simulated
# actions and the policy. Everything else comes from the signed index.
: "${database:?}" "${pins?}" "${repositories?}" "${own_index?}" "${stages:?}"

exec 9>/cache/lock
flock 9
trap 'chown -R "$(stat -c %u:%g /cache)" /cache/* || true' EXIT

# Add the repositories of images.toml. apk trusts a key for all repositories of the container, which
# is removed afterwards. A key of the base image with the same name stays.
add_repositories() {
    while read -r tag address name key <&4; do
        echo "@$tag $address" >> /etc/apk/repositories
        [ -e "/etc/apk/keys/$name" ] || echo "$key" | tr '|' '\n' > "/etc/apk/keys/$name"
    done 4<<END
$repositories
END
}

if [ -n "$repositories" ]; then
    awk 1 /etc/apk/repositories > /tmp/repositories # adds a missing newline at the end
    cat /tmp/repositories > /etc/apk/repositories
    add_repositories
fi

# The cache has a folder for each combination of repositories and trusted keys.
cache=/cache/$(cat /etc/apk/repositories /etc/apk/repositories.d/*.list /etc/apk/keys/* 2>/dev/null \
    | sha256sum | cut -c 1-16)
work=/tmp/orbiter
mkdir -p "$cache" "$work"

apk() { command apk --cache-dir "$cache" --no-progress "$@"; }

# End the script with the output of the step that failed.
fail() {
    say failed "$1"
    cat "$work/output"
    exit 0
}

# Print "!name=version" for all other versions of the pinned packages. A pin is written in this form
# because it then does not install anything. Records of the index and of apk's database begin with
# the lines C: (checksum), P: (name) and V: (version).
exclude_other_versions() {
    awk '
        FILENAME ~ /pins$/ { kind["P:" $2] = $1; pin["P:" $2] = "V:" $3; next }
        !($2 in pin) { next }
        FILENAME ~ /installed$/ { installed[$2] = $3 }
        pin[$2] == $3 { known[$2] }
        pin[$2] != $3 { other[$2 "\n" $3] }
        END {
            for (each in other) {
                split(each, line, "\n")
                free = kind[line[1]] == "soft" && installed[line[1]] == line[2]
                if (line[1] in known && !free) print "!" substr(line[1], 3) "=" substr(line[2], 3)
            }
        }' "$work/pins" RS= FS='\n' "$database" "$work/index"
}

# Resolve one stage on top of its parents. All requirements go through the file of the world,
# because a name on apk's command line replaces earlier requirements of the same name.
solve_stage() {
    number=$1 parents=$2 requirements=$3
    for parent in $parents; do sed 's/ /=/' "$work/$parent.all"; done | sort -u > "$work/before"
    {
        cat "$work/world" "$work/before"
        # shellcheck disable=SC2086 # one requirement per word
        printf '%s\n' $requirements
        cat "$work/excluded"
    } > /etc/apk/world
    # shellcheck disable=SC2086 # nothing, or one option
    apk add --simulate $untrusted > "$work/output" 2>&1 || fail "$number"
    # From "(1/2) Upgrading name (1.0-r0 -> 1.1-r0)" to "Upgrading name 1.1-r0".
    sed -n 's/^( *[0-9]*\/[0-9]*) \([A-Z][a-z]*\) \([^ ]*\) (\(.* \)*\([^ ]*\))$/\1 \2 \4/p' \
        "$work/output" > "$work/actions"
    sed -n '/^Purging /!s/^[^ ]* //p' "$work/actions" > "$work/$number.all"
    say group "$number"
    cat "$work/actions"
}

# Let apk know packages that no repository has. Its files are never read, only their records. apk has
# checked the signatures of the other indexes in its cache.
add_own_index() {
    untrusted=--allow-untrusted
    folder=$work/own/$(command apk --print-arch)
    mkdir -p "$folder"
    printf '%s\n\n' "$own_index" > "$work/APKINDEX"
    cat "$work/APKINDEX" >> "$work/index"
    tar -C "$work" -czf "$folder/APKINDEX.tar.gz" APKINDEX
    cat /etc/apk/repositories > "$work/repositories"
    echo "$work/own" >> /etc/apk/repositories
}

# Return whether a package is one of the own index.
is_own() {
    [ -n "$own_index" ] && grep -A 1 -Fx "P:$1" "$work/APKINDEX" | grep -Fxq "V:$2"
}

update() {
    apk update > "$work/output" 2>&1 && ! grep -qE '^[0-9]+ (unavailable|errors)' "$work/output"
}

# Print "<name> <version> <start of the checksum in hex>" for records of an index. busybox may lack
# base64, so awk decodes the first six characters.
checksum_starts() {
    awk -v RS= -F '\n' -v digits=ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/ '{
        n = 0
        for (at = 5; at < 11; at++) n = n * 64 + index(digits, substr($1, at, 1)) - 1
        n = int(n / 16)
        printf "%s %s %04x%04x\n", substr($2, 3), substr($3, 3), n / 65536, n % 65536
    }'
}

# Print the names of lines "<name> <version>", with their tags.
tagged_names() {
    awk 'FILENAME ~ /tagged$/ { split($1, part, "@"); tagged[part[1] " " $2] = $1; next }
        { print tagged[$0] }' "$work/tagged" -
}

fetch() {
    rm -rf "$fetched"
    mkdir "$fetched"
    # shellcheck disable=SC2046 # one package per word
    case $(command apk --version) in
    "apk-tools 2."*) apk fetch -o "$fetched" $(tagged_names < "$work/missing") ;;
    *) apk fetch -o "$fetched" --match package $(tr ' ' - < "$work/missing") ;;
    esac > "$work/output" 2>&1
}

awk 1 /etc/apk/world > "$work/world" # adds a missing newline at the end
# apk itself does not retry after a broken connection.
update || update || fail update
for index in "$cache"/APKINDEX.*.tar.gz; do
    tar -xzOf "$index" APKINDEX && echo
done > "$work/index"
untrusted=
if [ -n "$own_index" ]; then
    add_own_index
fi
printf %s "$pins" > "$work/pins"
exclude_other_versions > "$work/excluded"
while IFS=: read -r number parents requirements <&3; do
    solve_stage "$number" "$parents" "$requirements"
done 3<<END
$stages
END

if [ -n "$own_index" ]; then
    cat "$work/repositories" > /etc/apk/repositories
fi

sort -u "$work"/*.all > "$work/tagged"
sed 's/@[^ ]*//' "$work/tagged" | sort -u > "$work/everything"
awk 'FILENAME ~ /everything$/ { is["P:" $1 "\nV:" $2]; next } ($2 "\n" $3) in is' \
    "$work/everything" RS= ORS='\n\n' FS='\n' "$work/index" > "$work/records"

# Files in the cache have the names that apk gives them in its own cache: name, version and the first
# bytes of the checksum. Only missing files are fetched.
checksum_starts < "$work/records" | while read -r name version start; do
    [ -e "$cache/$name-$version.$start.apk" ] || is_own "$name" "$version" \
        || echo "$name $version"
done | sort -u > "$work/missing"

# apk 2 fetches without checking. `apk verify` checks that a file is complete and that a trusted key
# signed it; an install without a repository relies on that. `apk index` prints the true checksum.
if [ -s "$work/missing" ]; then
    fetched=$work/new
    fetch || fetch || fail fetch
    apk verify "$fetched"/*.apk > "$work/output" 2>&1 || fail verify
    apk index -o "$work/new.tar.gz" "$fetched"/*.apk > "$work/output" 2>&1 || fail verify
    tar -xzOf "$work/new.tar.gz" APKINDEX | checksum_starts > "$work/fetched"
    while read -r name version start; do
        file=$name-$version.$start.apk
        sum=$(sha256sum < "$fetched/$name-$version.apk")
        echo "${sum%% *} $(stat -c %s "$fetched/$name-$version.apk") $file" >> "$cache/sums"
        mv "$fetched/$name-$version.apk" "$cache/$file"
    done < "$work/fetched"
fi

say sums
[ ! -e "$cache/sums" ] || cat "$cache/sums"
say policy
names=$(cut -d ' ' -f 1 "$work/everything" | sort -u)
# shellcheck disable=SC2086 # one name per word
[ -z "$names" ] || apk policy $names
say packages
cat "$work/records"
