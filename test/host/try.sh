# shellcheck shell=dash disable=SC2154 # kind.sh has the verbs
# A verb for tests: what is to happen in the midst of an operation. After a kind's own parts.

verbs="$verbs try"

try() { # COMMAND
  eval "$1"
}
