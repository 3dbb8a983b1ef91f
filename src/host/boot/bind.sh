# What is done for one owner, as read_owner has read it: sysctls, a check, VIPs, in this order.

# Before the network is there a listed name may be another NIC's, which udev is about to rename.
raise_claims() {
  local key='' wanted='' nic='' value=''
  { [ -n "$persists" ] && { [ -z "$lists" ] || [ "$phase" != early ]; }; } || return 0
  while read -r key wanted nic; do
    read_first "$ipv4/$nic/$key" value
    [ "$value" != - ] || continue # not there yet
    holds "$key" "$value" "$wanted" || raise "$key" "$nic" "$value" "$wanted"
    case $handled in *" $nic/$key "*) ;; *) handled="$handled$nic/$key " ;; esac
  done <<END
${claims%?}
END
}

raise() { # KEY NIC VALUE WANTED
  local value=''
  case $known in *" $2/$1 "*) found "$1 of $2 was $3, and is put back to $4" ;; esac
  { echo "$4" >"$ipv4/$2/$1"; } 2>/dev/null
  read_first "$ipv4/$2/$1" value
  # A NIC that has gone meanwhile is not there yet, as one that was never there.
  [ "$value" = "$4" ] || [ ! -d "$ipv4/$2" ] || problem "$1 of $2 is $value after writing $4"
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
  local nic=''
  [ -n "$claims" ] || return 0
  [ -n "$lists" ] || { quiet all; return; }
  while read -r _ _ nic; do
    [ -d "$ipv4/$nic" ] || fail "$nic is not there" || return 1
  done <<END
${claims%?}
END
  set --
  for nic in "$ipv4"/*; do
    nic=${nic##*/}
    case $nic in all | default) continue ;; esac
    is_excepted "$nic" || set -- "$@" "$nic"
  done
  quiet "$@"
}

is_excepted() { # NIC: left out on purpose, and not listed
  local glob=''
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
  local of='' vip='' words=''
  lo=$(ip -o addr show dev lo) || fail 'lo cannot be read' || return 1
  for of in 4 6; do
    steps=''
    for vip in $vips; do
      binding_of "$vip"
      [ "$family" = "$of" ] || continue
      # shellcheck disable=SC2086 # fields, by design
      address_words words "$prefix" $binding
      case $lo in
        *" $prefix "*) ! may_adopt "$vip" || adopt "$vip" "$words" ;;
        *) if is_left "$vip"; then waiting=yes; else add_step "addr add $words"; fi ;;
      esac
    done
    [ -z "$steps" ] || run_batch "$of" "$steps" || singly "$of" "$steps" || return 1
  done
}

take_off() { # silence comes first
  local of='' vip='' lines=''
  [ -n "$bad" ] && lo=$(ip -o addr show dev lo) || return 0
  for of in 4 6; do
    lines=''
    for vip in $bad; do
      case $good in *" $vip "*) continue ;; esac
      binding_of "$vip"
      case $family:$lo in "$of":*" $prefix "*) ;; *) continue ;; esac
      say "$vip is taken off lo"
      lines="${lines:+$lines
}addr del $prefix dev lo"
    done
    [ -z "$lines" ] || run_batch "$of" "$lines" || singly "$of" "$lines" ||
      problem "VIPs could not be taken off lo: $failure"
  done
}

# ---------------------------------------------------------------- does it still hold?

is_owner_well() { # or $well is empty
  local key='' wanted='' nic='' value=''
  { [ -n "$persists" ] && { [ -z "$lists" ] || [ -n "$network" ]; }; } || return 0
  while read -r key wanted nic; do
    read_first "$ipv4/$nic/$key" value
    [ "$value" = - ] || holds "$key" "$value" "$wanted" || well=''
  done <<END
${claims%?}
END
  is_owner_quiet || well=''
}

# What leaks is not to wait for whoever has the lock. No operation makes a value loud under a bound VIP.
hush_owner() {
  local key='' wanted='' nic='' value=''
  is_any_bound || return 0
  while read -r key wanted nic; do
    read_first "$ipv4/$nic/$key" value
    [ "$value" = - ] || is_silent "$key" "$value" || raise "$key" "$nic" "$value" "$wanted"
  done <<END
${claims%?}
END
}

is_any_bound() { # of $vips, on $lo
  local vip=''
  for vip in $vips; do
    case $lo in *" $vip/32 "*) return 0 ;; esac
  done
  return 1
}
