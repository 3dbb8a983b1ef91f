# What a director runs at boot: /var/lib/lvs-dr-director/replay, by the unit that director-kit.ts has. The
# other files of this folder, and some of src/host/boot, go before it.
#
# Puts back into the IPVS table what the registry says of every owner that asked for it (`persist`). It
# runs after the distribution's own unit for ipvsadm, which may clear the whole table, and again when that
# one is restarted. It waits for nobody but an operation that has the lock.

set -u
umask 077
LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export LC_ALL PATH
exec </dev/null

patience=120 # seconds for the lock
deadline=0
problems='' # why services are not back

main() {
  know_init
  { : >"$outcome"; } 2>/dev/null
  [ -d "$registry" ] || exit 0 # the last owner has left
  time_over
  deadline=$((now + patience))
  if take_lock; then
    { echo 'the replay at boot' >"$registry/lock"; } 2>/dev/null
    put_all
    tidy
    exec 9>&-
  else
    problem "the lock could not be had: $failure${busy:+ ($busy)}"
  fi
  # A clone: nothing is put back, and nothing will be before its first operation.
  [ -z "$strangers" ] || exit 0
  [ -n "$problems" ] || { say "done: what is declared for this director is in the table"; exit 0; }
  say "failed: $problems"
  { printf 'failed %s\n' "$problems" >>"$outcome"; } 2>/dev/null
  exit 1
}

put_all() {
  recognise_strangers
  recognise_the_nameless
  [ -z "$strangers" ] || return 0
  settle && know_waits && read_table || { problem "$failure" && return; }
  each_service put_service
  read_table || { problem "$failure" && return; }
  [ -n "$waiting" ] || each_service check_service
}

say() { # TEXT
  echo "$1"
  [ "$init" != openrc ] || logger -t pulumi-lvs-dr-director -- "$1" 2>/dev/null || :
}

problem() { # TEXT
  problems="${problems:+$problems; }$1"
}

main
