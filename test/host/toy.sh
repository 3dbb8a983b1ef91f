# shellcheck shell=dash disable=SC2034,SC2154 # core/main.sh says what a kind has, and what it finds
# The smallest kind of host: a line, in a file of its own folder.

registry=/var/lib/lvs-dr-toy
keeps=line
service=''
outcome=''
tools=''
verbs=set_line
questions=''
steps=line
unobserved="$registry/line cannot be read"

know_tools() {
  :
}

know_files() {
  :
}

observation() {
  local line=''
  read_first "$registry/line" line
  say "toy-observation 1"
  say "line $line"
  say end
}

# A file outlives the boot, unlike an address: its step is on disk before it is taken.
set_line() { # TEXT
  local old=''
  read_first "$registry/line" old
  log_step "line $old" && durable "$journal" || return 1
  echo "$1" >"$registry/line" || fail "$registry/line cannot be written"
  unsynced="$unsynced $registry/line"
}

undo_steps() {
  undo_rest undo_line <"$journal"
}

undo_line() { # "line OLD", or another step
  case $line in
    'line -') rm -f "$registry/line" ;;
    'line '*) echo "${line#line }" >"$registry/line" || stuck="$registry/line cannot be written" ;;
  esac
}

is_spared() {
  return 1
}
