# shellcheck shell=sh disable=SC2015,SC2034,SC2154
# What a real server runs at boot: /var/lib/lvs-dr/replay, by the unit that boot-kit.ts has. kernel.sh
# and registry.sh go before it.
#
# SC2015: `a && b || c` is meant, c sees both. SC2034, SC2154: parts share variables.
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

holder='the replay at boot'
nics_limit=90  # seconds for listed NICs, from when the network is up
boot_limit=600 # seconds after which a boot counts as over
deadline=0
handled=' '    # "NIC/KEY" of what was set in this boot
findings='|'   # what was undone since, each once
said=''        # the last words
machine_id=''
problems=''    # why VIPs are not bound
waiting=''     # yes while VIPs wait for the network, its NICs or the lock

main() {
  know_ip
  know_init
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
  case $init in
    systemd)
      case $(systemctl is-system-running 2>/dev/null) in
        running | degraded | maintenance | stopping) ;;
        *) return 1 ;;
      esac
      ;;
    openrc)
      read_first /run/openrc/softlevel
      case $value in - | sysinit | boot) return 1 ;; esac
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

note() {
  say "$1"
}

warn() {
  say "$1"
}

# The unit that runs is not to be stopped by what it undoes.
tell_init() {
  :
}

problem() { # TEXT
  problems="${problems:+$problems; }$1"
}

# ---------------------------------------------------------------- one look, and all that can be done now

pass() { # early: before the network; late: NICs and lock may be missing yet; last: they may not
  phase=${1:-early} problems='' waiting='' strangers='' failure='' good=' ' bad='' known=$handled
  [ -d "$registry" ] || return 0
  time_over
  case $phase${started:-} in early) patience=30 ;; last*) patience=120 ;; *) patience=2 ;; esac
  deadline=$((now + patience))
  if ! take_lock -x; then
    if [ "$phase" != last ]; then waiting=yes; else problem "the lock could not be had: $failure${busy:+ ($busy)}"; fi
    return
  fi
  { printf '%s\n' "$holder" >"$registry/lock"; } 2>/dev/null
  recognise_strangers
  recognise_the_nameless
  if [ -n "$strangers" ]; then
    : # its first operation sets the registry aside
  elif settle; then
    each_owner raise_claims
    each_owner bind_owner
    take_off
  else
    problem "$failure"
  fi
  tidy
  exec 9>&-
  locked=''
}

# A machine that cannot say its name is not known to be the one that the registry is of.
recognise_the_nameless() {
  [ "$machine_id" = - ] && [ -f "$registry/machine" ] || return 0
  while read -r key value; do
    case $key:$value in machine-id:-) ;; machine-id:*) strangers=yes ;; esac
  done <"$registry/machine"
  [ -z "$strangers" ] || say "this machine has no machine-id, and the registry's has one: nothing is bound"
}

each_owner() { # FUNCTION: for each record
  for record in "$registry"/owners/*; do
    [ -e "$record" ] || continue
    if read_owner <"$record"; then
      "$1"
    elif [ "$1" = bind_owner ]; then
      problem "$record cannot be read"
    fi
  done
}

# $vips, $excepts, $claims ("KEY VALUE NIC", a line each), $lists: yes for claims on a list of NICs.
read_owner() {
  vips='' excepts='' claims='' lists='' persists='' last=''
  IFS= read -r line && [ "$line" = 'lvs-dr-owner 1' ] || return 1
  while IFS= read -r line || [ -n "$line" ]; do
    last=$line
    case $line in
      'vip '*[!0-9a-f.:]*) return 1 ;;
      'vip '*) vips="$vips ${line#vip }" ;;
      'claim '*/* | 'claim '*' .' | 'claim '*' ..') return 1 ;;
      'claim arp_ignore '[12]' '?* | 'claim arp_announce 2 '?*)
        claims="$claims${line#claim }
"
        case $line in *' all') ;; *) lists=yes ;; esac
        ;;
      'except '?*) excepts="$excepts ${line#except }" ;;
      persist) persists=yes ;;
      'owner '* | 'incarnation '* | 'seen '* | end) ;;
      *) return 1 ;;
    esac
  done
  [ "$last" = end ]
}

# Before the network is there a listed name may be another NIC's, which udev is about to rename.
raise_claims() {
  { [ -n "$persists" ] && { [ -z "$lists" ] || [ "$phase" != early ]; }; } || return 0
  while read -r key wanted nic; do
    read_first "$ipv4/$nic/$key"
    [ "$value" != - ] || continue # not there yet
    holds "$key" "$value" "$wanted" || raise
    case $handled in *" $nic/$key "*) ;; *) handled="$handled$nic/$key " ;; esac
  done <<END
${claims%?}
END
}

raise() { # $key of $nic from $value to $wanted
  case $known in
    *" $nic/$key "*) found "$key of $nic was $value, and is put back to $wanted" ;;
  esac
  { echo "$wanted" >"$ipv4/$nic/$key"; } 2>/dev/null
  read_first "$ipv4/$nic/$key"
  [ "$value" = "$wanted" ] || problem "$key of $nic is $value after writing $wanted"
}

holds() { # KEY VALUE CLAIMED: silent, and no laxer than claimed
  is_silent "$1" "$2" && [ "$2" -ge "$3" ]
}

found() { # TEXT: something was undone after it had been set
  case $findings in *"|$1|"*) return ;; esac
  findings="$findings$1|"
  say "$1: look for who sets it late in the boot (sysctl.d, tuned, cloud-init)"
  { printf 'found %s\n' "$1" >>"$outcome"; } 2>/dev/null
}

bind_owner() {
  if [ -z "$persists" ]; then
    # Bound by an operation since, maybe, and silent.
    ! is_owner_quiet || good="$good$vips "
  elif [ -n "$lists" ] && [ "$phase" = early ]; then
    waiting=yes
  elif is_owner_quiet && bind_vips; then
    good="$good$vips "
  else
    bad="$bad $vips"
    if [ -n "$lists" ] && [ "$phase" = late ]; then waiting=yes; else problem "$failure"; fi
  fi
}

is_owner_quiet() {
  [ -n "$claims" ] || return 0
  [ -n "$lists" ] || { quiet all; return; }
  while read -r _ _ nic; do
    [ -d "$ipv4/$nic" ] || { fail "$nic is not there"; return 1; }
  done <<END
${claims%?}
END
  set --
  for conf in "$ipv4"/*; do
    case ${conf##*/} in all | default) continue ;; esac
    is_excepted "${conf##*/}" || set -- "$@" "${conf##*/}"
  done
  quiet "$@"
}

is_excepted() { # NIC: left out on purpose, and not listed
  case "
$claims" in
    *" $1
"*) return 1 ;;
  esac
  set -f
  for glob in $excepts; do
    # shellcheck disable=SC2254 # a pattern, by design
    case $1 in $glob) set +f && return ;; esac
  done
  set +f
  return 1
}

bind_vips() {
  lo=$(ip -o addr show dev lo) || { fail 'lo cannot be read'; return 1; }
  for family in 4 6; do
    lines=''
    for vip in $vips; do
      prefix_of "$vip"
      case $of:$lo in "$family":*" $prefix "*) continue ;; "$family":*) ;; *) continue ;; esac
      # As address-plan.ts has it.
      if [ "$of" = 4 ]; then
        address_words "$prefix" host forever forever lo:dr
      else
        address_words "$prefix" global forever 0
      fi
      lines="${lines:+$lines
}addr add $words"
    done
    [ -z "$lines" ] || run_batch "$family" "$lines" || singly "$family" "$lines" || return 1
  done
}

singly() { # FAMILY LINES: where some are there already, or gone
  while IFS= read -r one; do
    run_batch "$1" "$one" || ! may_be_taken || { fail "ip: $problem (at $one)"; return 1; }
  done <<END
$2
END
}

prefix_of() { # VIP: $prefix, and its family $of
  case $1 in *:*) of=6 prefix=$1/128 ;; *) of=4 prefix=$1/32 ;; esac
}

take_off() { # silence comes first
  [ -n "$bad" ] && lo=$(ip -o addr show dev lo) || return 0
  for family in 4 6; do
    lines=''
    for vip in $bad; do
      case $good in *" $vip "*) continue ;; esac
      prefix_of "$vip"
      case $of:$lo in "$family":*" $prefix "*) ;; *) continue ;; esac
      say "$vip is taken off lo"
      lines="${lines:+$lines
}addr del $prefix dev lo"
    done
    [ -z "$lines" ] || run_batch "$family" "$lines" || singly "$family" "$lines" ||
      problem "VIPs could not be taken off lo: $failure"
  done
}

# ---------------------------------------------------------------- does it still hold?

is_well() { # asked every second, so it starts no process
  well=yes
  each_owner is_owner_well
  [ -n "$well" ]
}

is_owner_well() {
  { [ -n "$persists" ] && { [ -z "$lists" ] || [ -n "$network" ]; }; } || return 0
  while read -r key wanted nic; do
    read_first "$ipv4/$nic/$key"
    [ "$value" = - ] || holds "$key" "$value" "$wanted" || well=''
  done <<END
${claims%?}
END
  is_owner_quiet || well=''
}

# What leaks is not to wait for whoever has the lock. No operation makes a value loud under a bound VIP.
hush_owner() {
  is_any_bound || return 0
  while read -r key wanted nic; do
    read_first "$ipv4/$nic/$key"
    [ "$value" = - ] || is_silent "$key" "$value" || raise
  done <<END
${claims%?}
END
}

is_any_bound() { # of $vips, on $lo
  for vip in $vips; do
    case $lo in *" $vip/32 "*) return 0 ;; esac
  done
  return 1
}

main
