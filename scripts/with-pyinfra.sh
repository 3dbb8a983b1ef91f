#!/bin/sh
# Installs pyinfra for the benchmark, then runs a command with PYINFRA_PYTHON, a Python that has it.
#
# Usage: sh scripts/with-pyinfra.sh COMMAND [ARGUMENT...]
# It is for the benchmark alone, so it is no part of with-setup.sh, which runs before this. It lies in a
# virtual environment in the same cache folder; an interrupted run leaves nothing half.
set -eu

cache=${XDG_CACHE_HOME:-$HOME/.cache}/pulumi-lvs-dr
pyinfra_version=3.10.0

main() {
  folder=$cache/pyinfra-$pyinfra_version
  [ -x "$folder/bin/python" ] || install_pyinfra
  PYINFRA_PYTHON=$folder/bin/python
  export PYINFRA_PYTHON
  exec "$@"
}

install_pyinfra() {
  say "installing pyinfra $pyinfra_version"
  python3 -c "import ensurepip, venv" 2>/dev/null || install_python
  mkdir -p "$cache"
  aside=$(mktemp -d "$cache/aside.XXXXXX")
  trap 'rm -rf "$aside"' EXIT
  trap 'exit 1' HUP INT TERM
  python3 -m venv "$aside/venv" >&2 || fail "python3 cannot make a virtual environment"
  "$aside/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    "pyinfra==$pyinfra_version" >&2 </dev/null || fail "pip could not install pyinfra $pyinfra_version"
  # Another run may have been quicker. Its Python finds what is beside it wherever it lies.
  mv -T "$aside/venv" "$folder" 2>/dev/null || [ -d "$folder" ]
  rm -rf "$aside"
  trap - EXIT
}

install_python() {
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    fail "run it as root on a Debian or Ubuntu, or install by hand: python3, with venv"
  fi
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y \
    --no-install-recommends python3-venv; } >&2 </dev/null ||
    fail "apt-get failed; install by hand: python3-venv"
}

say() {
  echo "set-up: $*" >&2
}

fail() {
  say "$*"
  exit 1
}

main "$@"
