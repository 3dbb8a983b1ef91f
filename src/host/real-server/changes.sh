# What changes a real server. It comes with the request, see core/changes.sh.

# ---------------------------------------------------------------- sysctls

sysctl() { # INTERFACE KEY OLD NEW
  local value=''
  read_first "$ipv4/$1/$2" value
  case $value in
    "$3") ;;
    -) may_be_gone "$1" "$2" "$4" && return ;;
    *) fail "$2 of $1 is $value and was $3 a moment ago: somebody else is changing it" ;;
  esac || return 1
  log_step "sysctl $1 $2 $3 $4" || return 1
  { echo "$4" >"$ipv4/$1/$2"; } 2>/dev/null
  read_first "$ipv4/$1/$2" value
  case $value in
    "$4") ;;
    -) may_be_gone "$1" "$2" "$4" ;;
    *) fail "$2 of $1 is $value after writing $4" ;;
  esac
}

# What goes back has gone with its NIC; what a VIP is to rely on must be there.
may_be_gone() { # INTERFACE KEY NEW
  ! is_silent "$2" "$3" || fail "$1 is gone, and was there a moment ago"
}

# The kernel goes by max(all, NIC), on the NIC that hears the request. Effective 1, 2 and (VIPs have
# scope host) 3 are silent for ignore; exactly 2 for announce.
quiet() { # all | NIC...: none of them answers or announces for a VIP on lo
  local nic='' all_ignore='' all_announce='' ignore='' announce=''
  if [ "$1" = all ]; then
    set --
    for nic in "$ipv4"/*; do set -- "$@" "${nic##*/}"; done
  fi
  read_first "$ipv4/all/arp_ignore" all_ignore
  read_first "$ipv4/all/arp_announce" all_announce
  for nic in "$@"; do
    hears_arp "$nic" || continue
    read_first "$ipv4/$nic/arp_ignore" ignore
    read_first "$ipv4/$nic/arp_announce" announce
    # One that has gone away since cannot answer.
    [ "$ignore" != - ] && [ "$announce" != - ] || continue
    [ "$ignore" -ge "$all_ignore" ] || ignore=$all_ignore
    [ "$announce" -ge "$all_announce" ] || announce=$all_announce
    is_silent arp_ignore "$ignore" && is_silent arp_announce "$announce" ||
      fail "$nic would leak: arp_ignore is $ignore and arp_announce $announce there" || return 1
  done
}

hears_arp() { # NIC: neither IFF_LOOPBACK (0x8) nor IFF_NOARP (0x80), nor enslaved
  local flags=''
  case $1 in all | default | lo) return 1 ;; esac
  ! is_enslaved "$1" || return 1
  read_first "/sys/class/net/$1/flags" flags
  [ "$flags" = - ] || [ $((flags & 0x88)) = 0 ]
}

# ---------------------------------------------------------------- addresses

# Steps: "bound PREFIX ATTRIBUTES VALID PREFERRED LABEL", "unbound ..." alike. In PREFIX and ATTRIBUTES a
# comma stands for a blank: "203.0.113.10,peer,127.0.0.1/32", "global,brd,203.0.113.10".
addresses() { # STEP...
  local step='' line='' lines='' family=''
  for step in "$@"; do
    family_of family "$step"
    log_step "${step%% *} $family ${step#* }" || return 1
    address_command line "$step"
    lines="${lines:+$lines$lf}$line"
  done
  run_batch "$lines" || blame "$@"
}

family_of() { # NAME STEP: in the variable of that name
  local _prefix="${2#* }"
  case ${_prefix%% *} in *:*) eval "$1=6" ;; *) eval "$1=4" ;; esac
}

address_command() { # NAME STEP: in the variable of that name, what ip has to do
  local _name="$1" _words=''
  set -f
  # shellcheck disable=SC2086 # fields, by design
  set -- $2
  set +f
  case "$1 $3" in
    *,change) shift && address_words _words "$@" && _words="addr change $_words" ;;
    bound*) shift && address_words _words "$@" && without_dad _words "$1" && _words="addr add $_words" ;;
    unbound*) with_blanks _words "$2" && _words="addr del $_words dev lo" ;;
  esac
  eval "$_name=\$_words"
}

without_dad() { # NAME PREFIX: for an IPv6 address; busybox has no word for it, and lo does none anyway
  case $2:$flavour in *:*:iproute2) eval "$1=\"\$$1 nodad\"" ;; esac
}

# One process for all lines with iproute2, which stops at the first that fails and says which. The family
# is that of each line's address.
run_batch() { # LINES: on failure $failed_at is the line's number, and $problem says why
  local line=''
  if [ "$flavour" = iproute2 ]; then
    problem=$(feed "$1" ip -batch - 2>&1) && return
    failed_at=${problem##*Command failed -:}
    # Killed, say: then any line may have been carried out, and none is void.
    case $failed_at in '' | *[!0-9]*) failed_at=unknown ;; esac
    problem=${problem%?Command failed*}
    return 1
  fi
  failed_at=0
  while IFS= read -r line; do
    failed_at=$((failed_at + 1))
    # shellcheck disable=SC2086 # fields, by design
    problem=$(set -f && ip $line 2>&1) || return 1
  done <<EOF
$1
EOF
}

blame() { # STEP...: says which step failed; those from it on were not taken
  local family='' step='' rest='' number=0 culprit=''
  for step in "$@"; do
    number=$((number + 1))
    rest=${step#* }
    [ "$number" != "$failed_at" ] || { culprit=${rest%% *} && ! may_be_taken || continue; }
    [ -n "$culprit" ] || continue
    family_of family "$step"
    log_step "void ${step%% *} $family ${rest%% *}" || return 1
  done
  fail "ip: $problem${culprit:+ (at $culprit)}"
}

# Was it not somebody else, but we? A step that failed for another reason, or whose `ip` was killed,
# may have been taken all the same, and is undone like the others.
may_be_taken() {
  case $problem in
    *'File exists'* | *'already assigned'*) return 1 ;;
    *'Cannot assign requested address'* | *'ddress not found'*) return 1 ;;
  esac
}
