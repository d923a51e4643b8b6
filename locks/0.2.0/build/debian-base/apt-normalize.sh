#!/bin/sh
# Normalise the files that scripts of Debian packages write differently in each build. The current folder is the root
# of the image. The arguments select, for find, the files that this step wrote. Each rule applies only to those.
set -eu
files=$(find etc usr var -xdev ! -type d "$@")
written() { printf '%s\n' "$files" | grep -E "^$1\$" || true; }

# openssh-server: every container needs its own host keys. They are created when it first starts the service.
if test -n "$(written 'etc/ssh/ssh_host_.*_key')"; then
    written 'etc/ssh/ssh_host_.*_key(\.pub)?' | xargs rm
    printf '\n# Create the host keys that are missing.\nssh-keygen -A || :\n' >> etc/default/ssh
fi

# ssl-cert: this certificate has a private key.
if test -n "$(written 'etc/ssl/private/ssl-cert-snakeoil\.key')"; then
    find etc/ssl/certs -lname ssl-cert-snakeoil.pem -delete
    rm etc/ssl/certs/ssl-cert-snakeoil.pem etc/ssl/private/ssl-cert-snakeoil.key
fi

# postgresql: a database cluster has a random identifier and the time of its creation.
written 'var/lib/postgresql/[^/]*/main/PG_VERSION' | while read -r file; do
    cluster=${file%/PG_VERSION}
    rm -r "$cluster" "etc/postgresql/${cluster#var/lib/postgresql/}"
done

# octave: its list of packages begins with the time and the name of the machine.
written usr/share/octave/octave_packages | xargs -r sed -i '/^# Created by Octave/d'

# git-lfs: it writes its settings in a random order.
if test -n "$(written etc/gitconfig)"; then
    perl -0777 -pi -e 's/(\[filter "lfs"\]\n)((?:\t.*\n)+)/$1 . join "", sort split m{^}m, $2/e' etc/gitconfig
fi

# TeX Live: formats of LuaTeX contain tables in a random order, that of TeX contains the date, as logs do, and others
# contain one of two lists of languages, by chance. TeX makes a missing format when a user first needs it. Lists of files
# have the order of the folders on the disk.
list_tree() {
    printf '%% ls-R -- filename database for kpathsea; do not change this line.\n\n'
    # Ignore links into folders that dpkg left out.
    (cd "$1" && LC_ALL=C ls -LAR ./ 2> /dev/null || true)
}
if test -n "$(written 'var/lib/texmf/ls-R')"; then
    find var/lib/texmf '(' -path '*/web2c/*.log' -o -path '*/web2c/*.fmt' ')' -delete
    for tree in var/lib/texmf usr/share/texlive/texmf-dist usr/share/texmf; do
        test ! -e "$tree/ls-R" || list_tree "$tree" > "$tree/ls-R"
    done
fi

# ca-certificates-java: the keystore has the time at which each certificate was added.
if test -n "$(written etc/ssl/certs/java/cacerts)"; then
    perl - etc/ssl/certs/java/cacerts <<'KEYSTORE'
use strict;
use warnings;
use IPC::Open2;
my $path = shift;
open my $in, '<:raw', $path or die "$path: $!";
my $store = do { local $/; <$in> };
my ($magic, $version, $count) = unpack 'N3', $store;
die "$path: not a keystore of type JKS" unless $magic == 0xfeedfeed && $version == 2;
my ($position, %entries) = (12);
for (1 .. $count) {
    my ($tag, $alias, $time, $type, $certificate) = unpack "x$position N n/a a8 n/a N/a", $store;
    die "$path: $alias is not a certificate" unless $tag == 2;
    $position += 20 + length($alias) + length($type) + length $certificate;
    # The time is in milliseconds.
    $entries{$alias} = pack 'N n/a* Q> n/a* N/a*', $tag, $alias, $ENV{SOURCE_DATE_EPOCH} * 1000, $type, $certificate;
}
my $text = join '', pack('N3', $magic, $version, $count), map { $entries{$_} } sort keys %entries;
# The digest at the end covers the password in UTF-16, a fixed phrase, and the entries.
my $password = join '', map { "\0$_" } split //, 'changeit';
my $sha1sum = open2 my $sum, my $input, 'sha1sum';
binmode $input;
print $input $password, 'Mighty Aphrodite', $text;
close $input;
my ($digest) = split ' ', <$sum>;
waitpid $sha1sum, 0;
die "$path: sha1sum failed" if $?;
open my $out, '>:raw', $path or die "$path: $!";
print $out $text, pack 'H*', $digest;
close $out or die "$path: $!";
KEYSTORE
fi
