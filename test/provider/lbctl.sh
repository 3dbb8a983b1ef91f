#!/bin/sh
# A director's own tool, as far as a test needs one. It knows the members of each VIP, and is strict:
# who is there is not added, who is not there is not removed. Each change is written down, with the
# time and with what the member answered for the VIP at that moment, asked over the wire.
#
# Usage: lbctl list VIP | lbctl add VIP RIP | lbctl remove VIP RIP
set -eu
mkdir -p /var/lib/lbctl
cd /var/lib/lbctl
verb=$1 vip=$2 rip=${3:-}

main() {
  exec 9>lock
  flock 9
  [ ! -e broken ] || fail "out of order"
  [ -e "$vip" ] || : >"$vip"
  case $verb in
    list) cat "$vip" ;;
    add)
      ! grep -qxF "$rip" "$vip" || fail "$rip is a member of $vip"
      echo "$rip" >>"$vip"
      note
      ;;
    remove)
      grep -qxF "$rip" "$vip" || fail "$rip is no member of $vip"
      note
      sed -i "/^$rip\$/d" "$vip"
      ;;
  esac
}

# As a director's packets go: for the VIP, to the member.
note() {
  ip route replace "$vip" via "$rip"
  answer=silent
  # One packet, so that it tells of this moment; a busy machine may take its time with it.
  if busybox ping -c 1 -W 10 "$vip" >/dev/null; then answer=answers; fi
  echo "$(date +%s%N) $verb $vip $rip $answer" >>log
}

fail() {
  echo "lbctl: $*" >&2
  exit 1
}

main
