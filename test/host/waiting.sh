# shellcheck shell=dash disable=SC2034,SC2154 # core/main.sh says what a kind has, and what it finds
# A small kind of host whose operations wait without the lock: values in memory, one a name.

registry=/var/lib/lvs-dr-toy
waits=/run/lvs-dr-toy
values=/run/toy-values
keeps=''
service=''
outcome=''
tools='sed'
verbs='own unlock resume set_value'
questions=''
steps='set'
unobserved="$values cannot be read"

know_tools() {
  :
}

know_files() {
  :
}

observation() {
  local file='' value=''
  for file in "$values"/*; do
    read_first "$file" value
    say "${file##*/} $value"
  done
}

set_value() { # NAME VALUE
  local old=''
  read_first "$values/$1" old
  log_step "set $1 $old $2" || return 1
  echo "$2" >"$values/$1"
}

undo_steps() {
  [ "$this_boot" = yes ] || return 0
  undo_rest undo_value <"$journal"
}

undo_value() { # of "set NAME OLD NEW"
  local value=''
  [ "$1" = set ] || return 0
  read_first "$values/$2" value
  [ "$value" != "$4" ] || echo "$3" >"$values/$2"
}

is_spared() {
  return 1
}
