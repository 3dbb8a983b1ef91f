#!/bin/sh
# Installs what the lab needs and this machine lacks, then runs a command with it on PATH.
#
# Usage: sh scripts/with-setup.sh COMMAND [ARGUMENT...]
# What is downloaded or built outside the work tree is kept in a cache folder, so that a second run
# starts at once. An interrupted run leaves nothing half: each part is made aside and renamed.
set -eu

cache=${XDG_CACHE_HOME:-$HOME/.cache}/pulumi-lvs-dr
# Of scripts/pulumi-cli/go.mod: the newest that the Go module proxy has.
pulumi_version=3.274.1
pulumi_oldest=3.216.0
node_oldest=22.13.0
node_major=24 npm_major=11

main() {
  cd "$(dirname "$0")/.."
  PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
  mkdir -p "$cache"
  debian_packages
  # Before the packages: npm leaves out optional ones that are not for the Node it runs on.
  node_binary
  npm_packages
  PATH=$PWD/node_modules/.bin:$PATH
  pulumi_cli
  export PATH
  exec "$@"
}

# Debian's packages, by a command that each brings.
debian_packages() {
  missing=
  while read -r command package; do
    command -v "$command" >/dev/null || missing="$missing $package"
  done <<END
sshd openssh-server
ssh openssh-client
ip iproute2
unshare util-linux
busybox busybox
sudo sudo
shellcheck shellcheck
tcpdump tcpdump
arping iputils-arping
pgrep procps
modprobe kmod
ipvsadm ipvsadm
nft nftables
mmdebstrap mmdebstrap
mkfs.ext4 e2fsprogs
dropbear dropbear-bin
tcsh tcsh
fish fish
openssl openssl
END
  # Of the guests, and of the director where this kernel has no IPVS. Debian has it for PCs alone.
  case $(uname -m) in
    x86_64 | i?86) command -v linux.uml >/dev/null || missing="$missing user-mode-linux" ;;
  esac
  [ -n "$missing" ] || return 0
  say "installing$missing"
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    fail "run it as root on a Debian or Ubuntu, or install by hand:$missing"
  fi
  # shellcheck disable=SC2086 # a list
  install_quietly $missing || fail "apt-get failed; install by hand:$missing"
}

# The lab runs its own sshd; one that this brings to the machine is neither started nor enabled.
install_quietly() (
  policy=/usr/sbin/policy-rc.d mark="# by the set-up of pulumi-lvs-dr, while it installs packages"
  if [ ! -e "$policy" ] || grep -qxF "$mark" "$policy"; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\n%s\nexit 101\n' "$mark" >"$policy"
    chmod 755 "$policy"
  fi
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -q && apt-get install -q -y --no-install-recommends "$@"; } >&2 </dev/null ||
    return 1
  case " $* " in
    *" openssh-server "*) systemctl disable ssh.service ssh.socket >/dev/null 2>&1 || : ;;
  esac
)

# The package behind npm's `node` by its own name, because that needs no install script; and npm,
# as in a release of Node: Debian's works with Debian's Node alone.
node_binary() {
  is_recent "$node_oldest" "$(node --version)" && return
  case $(uname -m) in
    x86_64) arch=x64 ;;
    aarch64) arch=arm64 ;;
    *) fail "install Node $node_oldest or newer by hand: npm has none for $(uname -m)" ;;
  esac
  node_folder=$cache/node-$node_major-npm-$npm_major
  if [ ! -d "$node_folder" ]; then
    say "installing Node $node_major, because $(node --version) is older than $node_oldest"
    aside=$(mktemp -d "$cache/aside.XXXXXX")
    npm install --prefix "$aside" --ignore-scripts --no-audit --no-fund --loglevel=error \
      "node-linux-$arch@$node_major" "npm@$npm_major" >&2 </dev/null ||
      fail "install Node $node_oldest or newer by hand: npm could not bring it"
    keep "$aside" "$node_folder"
  fi
  PATH=$node_folder/node_modules/node-linux-$arch/bin:$node_folder/node_modules/.bin:$PATH
}

# Anew whenever the lock file is not the one that was installed.
npm_packages() {
  cmp -s package-lock.json node_modules/.installed-lock && return
  say "installing npm packages"
  # No package needs its install script; ssh2's optional native part would want a compiler.
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2 </dev/null ||
    fail "npm ci failed; run it by hand in $PWD to see why"
  cp package-lock.json node_modules/.installed-lock
}

# From PATH, else by Pulumi's own installer, else built from Go modules.
pulumi_cli() {
  if command -v pulumi >/dev/null && is_recent "$pulumi_oldest" "$(pulumi version 2>/dev/null)"; then
    return
  fi
  pulumi_folder=$cache/pulumi-$pulumi_version
  if [ ! -x "$pulumi_folder/pulumi" ]; then
    aside=$(mktemp -d "$cache/aside.XXXXXX")
    say "installing the pulumi CLI $pulumi_version"
    if node scripts/install-pulumi.mjs "$aside" >&2; then
      keep "$aside/bin" "$pulumi_folder"
    else
      say "no release can be downloaded; building it from Go modules, which takes some minutes"
      command -v go >/dev/null ||
        fail "put the pulumi CLI $pulumi_oldest or newer on PATH, or a Go that can build it"
      go build -C scripts/pulumi-cli -trimpath -o "$aside/bin/pulumi" \
        -ldflags "-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=$pulumi_version" \
        github.com/pulumi/pulumi/pkg/v3/cmd/pulumi >&2 ||
        fail "put the pulumi CLI $pulumi_oldest or newer on PATH: building it failed"
      keep "$aside/bin" "$pulumi_folder"
    fi
    rm -rf "$aside"
  fi
  # A release has this launcher of the dynamic provider beside pulumi; a build has not.
  launcher=pulumi-resource-pulumi-nodejs
  if [ ! -x "$pulumi_folder/$launcher" ]; then
    cp "node_modules/@pulumi/pulumi/$launcher" "$pulumi_folder/$launcher.$$"
    chmod 755 "$pulumi_folder/$launcher.$$"
    mv "$pulumi_folder/$launcher.$$" "$pulumi_folder/$launcher"
  fi
  PATH=$pulumi_folder:$PATH
}

# A folder made aside, renamed to its place; another run may have been quicker.
keep() {
  chmod 755 "$1"
  mv -T "$1" "$2" 2>/dev/null || { [ -d "$2" ] && rm -rf "$1"; }
}

is_recent() {
  printf '%s\n%s\n' "$1" "${2#v}" | sort -V -C
}

say() {
  echo "set-up: $*" >&2
}

fail() {
  say "$*"
  exit 1
}

main "$@"
