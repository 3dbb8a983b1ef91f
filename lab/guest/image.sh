#!/bin/bash
# Makes the disk of the lab's guests, a Debian with a systemd and an OpenRC to boot, and prints where
# it is.
#
# It is kept in the cache folder under a checksum of all that makes it, so a change here makes it
# anew. It is made aside and renamed: an interrupted run leaves nothing half, and of two at once the
# second takes what the first has made.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pulumi-lvs-dr
modules=/usr/lib/uml/modules
packages="base-files base-passwd bash bsdutils coreutils dash debianutils diffutils dpkg findutils
  grep gzip hostname init-system-helpers libc-bin login mawk mount ncurses-bin passwd perl-base sed
  tar util-linux apt systemd systemd-sysv udev openrc openssh-server iproute2 procps kmod ifupdown
  netbase iputils-arping iputils-ping dbus busybox ipvsadm
  keepalived"

main() {
  { command -v linux.uml && [ -d "$modules" ]; } >/dev/null ||
    fail "guests need user-mode-linux, which Debian has for amd64 and i386; install it by hand"
  command -v mmdebstrap >/dev/null || fail "guests need mmdebstrap: install it by hand"
  command -v mkfs.ext4 >/dev/null || fail "guests need mkfs.ext4: install e2fsprogs by hand"
  image=$cache/guest-$(checksum).ext4
  [ -e "$image" ] || alone
  echo "$image"
}

checksum() {
  { linux.uml --version && cat "$here/image.sh" "$here"/image/* "$here"/openrc/*; } | sha256sum | cut -c 1-16
}

# Two at once would take each other's processor: the second waits, and finds it made.
alone() {
  mkdir -p "$cache"
  exec 9>>"$cache/guest.lock"
  flock 9
  [ -e "$image" ] || make
}

make() {
  say "making the disk of the lab's guests, which takes about a minute"
  aside=$(mktemp -d "$cache/aside.XXXXXX")
  chmod 755 "$aside"
  trap 'rm -rf "$aside"' EXIT
  trap 'exit 1' HUP INT TERM
  sources >"$aside/sources"
  [ -s "$aside/sources" ] || { apt-get update -q >&2 && sources >"$aside/sources"; }
  [ -s "$aside/sources" ] || fail "apt has no source of Debian or Ubuntu; add one by hand"
  # The tree is in memory: a disk would be asked to sync every file.
  unshare --mount /bin/bash -eu -c "$(declare -f); $(declare -p here modules packages aside); tree; disk" >"$aside/log" 2>&1 ||
    fail "the disk of the lab's guests could not be made: $(tail -n 20 "$aside/log")"
  mv "$aside/image" "$image"
}

# This machine's own, without what does not belong to the distribution.
sources() {
  # shellcheck disable=SC2016 # apt's words
  apt-get indextargets --format '$(ORIGIN) deb $(REPO_URI) $(RELEASE) $(COMPONENT)' \
    'Created-By: Packages' 2>/dev/null | sed -nE 's/^(Debian|Ubuntu) //p' | sort -u
}

tree() {
  mkdir "$aside/tree"
  mount -t tmpfs -o size=2G,mode=755 lab "$aside/tree"
  apt-config dump Acquire | grep -v '""' >"$aside/apt.conf"
  keys=$aside/keys
  mkdir "$keys"
  for key in /usr/share/keyrings/*.gpg /etc/apt/keyrings/* /etc/apt/trusted.gpg.d/*; do
    [ ! -f "$key" ] || cp "$key" "$keys"
  done
  # shellcheck disable=SC2016 # the hook's argument is the tree
  TMPDIR=$aside mmdebstrap --mode=root --variant=custom --format=directory \
    --keyring="$keys" --include="${packages//[[:space:]]/,}" \
    --aptopt="$aside/apt.conf" --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --customize-hook='chroot "$1" sh -c "cd /opt && apt-get download -q cloud-init"' \
    "$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)" "$aside/tree/root" - <"$aside/sources"
  root=$aside/tree/root
  mkdir -p "$root/lib/modules" "$root/usr/lib/lab"
  cp -r "$modules/." "$root/lib/modules"
  cp -r "$here/openrc" "$root/usr/lib/lab"
  cp "$here"/image/* "$root/usr/lib/lab"
  chroot "$root" /bin/sh /usr/lib/lab/prepare.sh
}

disk() {
  truncate -s 1G "$aside/image"
  mkfs.ext4 -q -F -d "$aside/tree/root" "$aside/image"
}

say() {
  echo "set-up: $*" >&2
}

fail() {
  say "$*"
  exit 1
}

main "$@"
