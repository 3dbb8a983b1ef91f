# What a drain asks: the connections that use a VIP.

# TCP connections in each state but LISTEN, TIME-WAIT and CLOSE: "ss LINE", "tcp LINE" (of /proc) and
# "conntrack LINE"; in TIME-WAIT: "ended ss LINE", "ended tcp LINE". After each source how many lines
# it has, for only the first of them are told. Never nothing by mistake: what cannot be asked is a
# failure, or "blind".
connections() { # SS_FILTER TCP_PATTERN CONNTRACK_PATTERN
  local sockets='' file=''
  if sockets=$(ss -Htn state connected exclude time-wait "$1" 2>/dev/null); then
    printf '%s' "${sockets:+$sockets
}" | counted ss
    ss -Htn state time-wait "$1" 2>/dev/null | counted 'ended ss'
  else
    for file in /proc/net/tcp /proc/net/tcp6; do
      [ -r "$file" ] || continue
      matching "$2 0[1-589BC] " <"$file" | counted tcp
      matching "$2 06 " <"$file" | counted 'ended tcp'
    done
  fi
  translated "$3" | counted conntrack
}

counted() { # SOURCE: the first lines of stdin, and how many there are
  sed -n -e "1,1000s/^/$1 /p" -e '$=' || echo "$1 cannot be counted"
}

matching() { # PATTERN: of the lines of stdin; none is no failure
  grep -E -e "$1" || [ $? = 1 ] || echo "cannot be searched"
}

# DNAT to a container shows in no socket of the host. Where nothing is translated it is the VIP
# itself that answers, and its sockets are counted.
translated() { # PATTERN
  local entries=''
  if [ -r "$conntrack_table" ]; then
    matching "$1" <"$conntrack_table"
  elif entries=$({ conntrack -L -p tcp -f ipv4 && conntrack -L -p tcp -f ipv6; } 2>/dev/null); then
    printf '%s\n' "$entries" | matching "$1"
  elif may_translate; then
    echo blind
  fi | sed -e '/ TIME_WAIT /d' -e '/ CLOSE /d' -e '/^[^=]*src=[^ ]* dst=\([^ ]*\) .* src=\1 /d' || echo "cannot be searched"
}

# Without conntrack there is no NAT. With it, and nobody to tell the rules, there may be.
may_translate() {
  local count=''
  read_first /proc/sys/net/netfilter/nf_conntrack_count count
  case $count in - | 0) return 1 ;; esac
  ! cat /proc/net/ip_tables_names /proc/net/ip6_tables_names | grep -q '^nat$' || return 0
  if command -v nft >/dev/null; then
    nft list ruleset | grep -qE '(dnat|redirect)'
  elif command -v iptables-save >/dev/null; then
    { iptables-save && ip6tables-save; } | grep -qE -e '-j (DNAT|REDIRECT)'
  fi
} 2>/dev/null
