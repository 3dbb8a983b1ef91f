# What a real server runs at boot: /var/lib/lvs-dr/replay, by the unit that boot-kit.ts has. The other
# files of this folder go before it.
#
# Binds again what the registry says of every owner that asked for it (`persist`): sysctls first, then
# a check that each NIC in scope is silent, then VIPs. An owner that does not verify has its VIPs off.
#
# It comes back once that is done for owners that claim `all`, before the network is there, and goes on
# in the background until the boot is over. An owner with a list of NICs has its VIPs bound when the
# network is up and those NICs are there and verify. What somebody undoes meanwhile (cloud-init, tuned,
# `sysctl --system`) is put right within a second, and said.

set -u
umask 077
LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export LC_ALL PATH
exec </dev/null

nics_limit=90  # seconds for listed NICs, from when the network is up
boot_limit=600 # seconds after which a boot counts as over
deadline=0
handled=' '    # "NIC/KEY" of what was set in this boot
findings='|'   # what was undone since, each once
said=''        # the last words
problems=''    # why VIPs are not bound
waiting=''     # yes while VIPs wait for the network, its NICs or the lock

main() {
  know_ip
  know_init
  know_others
  { : >"$outcome"; } 2>/dev/null
  pass early
  # A clone: nothing is bound, and nothing will be before its first operation.
  [ -z "$strangers" ] || exit 0
  follow &
}

# With OpenRC, whoever reads rc's output would wait for us. `exec`, because dash keeps what a
# redirection of a function replaces.
follow() {
  trap '' HUP PIPE
  [ "$init" != openrc ] || exec >/dev/null 2>&1
  network='' over=''
  time_over
  started=$now
  until [ -n "$over" ] && { [ -z "$waiting" ] || [ $((now - network)) -ge "$nics_limit" ]; }; do
    sleep 1
    [ -d "$registry" ] || exit 0 # the last owner has left meanwhile
    time_over
    { [ -n "$over" ] || boot_is_over || [ $((now - started)) -ge "$boot_limit" ]; } && over=yes
    [ -n "$network" ] || { [ -z "$over" ] && ! network_is_up; } || network=$now
    if ! is_well; then
      lo=$(ip -o addr show dev lo) && known=$handled && each_owner hush_owner
      pass "${network:+late}"
    elif [ -n "$network" ] && [ -n "$waiting" ]; then
      pass late
    elif [ -n "$problems" ] && [ $((now % 5)) = 0 ]; then
      pass "${network:+late}"
    fi
  done
  pass last
  [ -n "$problems" ] || { say "done: what is declared for this host is bound"; exit 0; }
  say "failed: $problems"
  { printf 'failed %s\n' "$problems" >>"$outcome"; } 2>/dev/null
  exit 1
}

network_is_up() {
  case $init in
    systemd) systemctl --quiet is-active network.target 2>/dev/null ;;
    *) boot_is_over ;;
  esac
}

boot_is_over() {
  local level=''
  case $init in
    systemd)
      case $(systemctl is-system-running 2>/dev/null) in
        running | degraded | maintenance | stopping) ;;
        *) return 1 ;;
      esac
      ;;
    openrc)
      read_first /run/openrc/softlevel level
      case $level in - | sysinit | boot) return 1 ;; esac
      [ ! -e /run/openrc/rc.starting ]
      ;;
  esac
}

say() { # TEXT, once where it is the same again
  [ "$1" != "$said" ] || return 0
  said=$1
  echo "$1"
  [ "$init" != openrc ] || logger -t pulumi-lvs-dr -- "$1" 2>/dev/null || :
}

problem() { # TEXT
  problems="${problems:+$problems; }$1"
}

# ---------------------------------------------------------------- one look, and all that can be done now

pass() { # early: before the network; late: NICs and lock may be missing yet; last: they may not
  local patience=2
  phase=${1:-early} problems='' waiting='' failure='' good=' ' bad='' known=$handled
  [ -d "$registry" ] || return 0
  time_over
  case $phase${started:-} in early) patience=30 ;; last*) patience=120 ;; esac
  deadline=$((now + patience))
  if ! take_lock; then
    if [ "$phase" != last ]; then waiting=yes; else problem "the lock could not be had: $failure${busy:+ ($busy)}"; fi
    return
  fi
  { echo 'the replay at boot' >"$registry/lock"; } 2>/dev/null
  recognise_strangers
  recognise_the_nameless
  if [ -n "$strangers" ]; then
    : # its first operation sets the registry aside
  elif settle; then
    each_owner raise_claims
    each_owner bind_owner
    take_off
  else
    say "$failure"
    problem "$failure"
  fi
  tidy
  exec 9>&-
  locked=''
}

is_well() { # asked every second, so it starts no process
  well=yes
  each_owner is_owner_well
  [ -n "$well" ]
}

main
