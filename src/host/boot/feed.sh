# Lines given to programs.

# Takes the place of the subshell that it is called in. An old bash keeps here-documents in files, and the
# disk may be full.
feed() { # TEXT COMMAND...: the text on its stdin
  local text="$1"
  shift
  [ -z "${BASH_VERSION:-}" ] || { printf '%s\n' "$text" | "$@"; exit; }
  exec "$@" <<END
$text
END
}
