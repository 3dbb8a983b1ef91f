# shellcheck shell=sh disable=SC2015,SC2034,SC2154
# What the kernel says and does: ARP values, addresses on lo. A part of every program that runs on a
# real server; scripts.ts puts the parts together.
#
# SC2015: `a && b || c` is meant, c sees both. SC2034, SC2154: parts share variables.

ipv4=/proc/sys/net/ipv4/conf
failure='' # why the current request failed

fail() { # TEXT: a verb's failure
  failure=$1
  return 1
}

# Goes by the time since boot: on a fresh machine the time of day may jump by hours.
time_over() {
  read -r now _ </proc/uptime
  now=${now%.*}
  [ "$now" -ge "$deadline" ]
}

read_first() { # FILE: its first line in $value, or "-"
  value=-
  { IFS= read -r value <"$1"; } 2>/dev/null || [ -n "$value" ] || value=-
}

# Takes the place of the subshell that it is called in: no process but the command's own. An old bash
# keeps here-documents in files, and the disk may be full.
feed() { # TEXT COMMAND...: the text on its stdin
  text=$1
  shift
  [ -z "${BASH_VERSION:-}" ] || { printf '%s\n' "$text" | "$@"; exit; }
  exec "$@" <<END
$text
END
}

# ---------------------------------------------------------------- sysctls

is_silent() { # KEY VALUE: by it, no NIC answers or announces for a VIP of scope host
  case $1:$2 in arp_ignore:[123] | arp_announce:2) ;; *) return 1 ;; esac
}

# The kernel goes by max(all, NIC), on the NIC that hears the request. Effective 1, 2 and (VIPs have
# scope host) 3 are silent for ignore; exactly 2 for announce.
quiet() { # all | NIC...: none of them answers or announces for a VIP on lo
  if [ "$1" = all ]; then
    set --
    for conf in "$ipv4"/*; do set -- "$@" "${conf##*/}"; done
  fi
  read_first "$ipv4/all/arp_ignore" && all_ignore=$value
  read_first "$ipv4/all/arp_announce" && all_announce=$value
  for nic in "$@"; do
    hears_arp "$nic" || continue
    read_first "$ipv4/$nic/arp_ignore" && ignore=$value
    read_first "$ipv4/$nic/arp_announce" && announce=$value
    # One that has gone away since cannot answer.
    [ "$ignore" != - ] && [ "$announce" != - ] || continue
    [ "$ignore" -ge "$all_ignore" ] || ignore=$all_ignore
    [ "$announce" -ge "$all_announce" ] || announce=$all_announce
    case $ignore:$announce in
      [123]:2) ;;
      *) fail "$nic would leak: arp_ignore is $ignore and arp_announce $announce there"; return 1 ;;
    esac
  done
}

hears_arp() { # NIC: neither IFF_LOOPBACK (0x8) nor IFF_NOARP (0x80)
  case $1 in all | default | lo) return 1 ;; esac
  read_first "/sys/class/net/$1/flags"
  [ "$value" = - ] || [ $((value & 0x88)) = 0 ]
}

# ---------------------------------------------------------------- addresses on lo

know_ip() { # whose `ip` it is, in $flavour
  case $(ip -V 2>&1) in *iproute2*) flavour=iproute2 ;; *) flavour=busybox ;; esac
}

address_command() { # STEP: $line, as ip takes it
  set -f
  # shellcheck disable=SC2086 # fields, by design
  set -- $1
  set +f
  case $1 in
    bound) shift && address_words "$@" && line="addr add $words" ;;
    unbound) line="addr del $2 dev lo" ;;
  esac
}

address_words() { # PREFIX SCOPE VALID PREFERRED [LABEL]: $words, as ip takes them
  words="$1 dev lo valid_lft $3 preferred_lft $4"
  case $1:$flavour in
    *:*:iproute2) words="$words nodad" ;;
    *:*:busybox) ;;
    *)
      words="$words scope $2${5:+ label $5}"
      ;;
  esac
}

# One process for all lines with iproute2, which stops at the first that fails and says which.
run_batch() { # FAMILY LINES: on failure $failed_at is the line's number, and $problem says why
  if [ "$flavour" = iproute2 ]; then
    problem=$(feed "$2" ip "-$1" -batch - 2>&1) && return
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
    problem=$(set -f && ip "-$1" $line 2>&1) || return 1
  done <<EOF
$2
EOF
}

# Was it not somebody else, but we? A step that failed for another reason, or whose `ip` was killed,
# may have been taken all the same, and is undone like the others.
may_be_taken() {
  case $problem in
    *'File exists'* | *'already assigned'*) return 1 ;;
    *'Cannot assign requested address'* | *'ddress not found'*) return 1 ;;
  esac
}
