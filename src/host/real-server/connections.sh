# shellcheck shell=sh disable=SC2154
# What an inspection and a drain ask besides. A part of the program of an operation.
#
# SC2154: parts share variables.

# ---------------------------------------------------------------- what an inspection asks besides

more() { # FUNCTION WORD...: what it prints is the next part of the answer's body
  body="$body$("$@")
"
}

# An operation that is not committed. Who writes holds the lock exclusively: a reader's is tried, for
# a moment, and not kept.
pending() {
  [ -e "$journal" ] || return 0
  if [ -e "$registry/lock" ] && ! (command exec 9<"$registry/lock" && flock -n -s 9) 2>/dev/null; then
    echo "under-way"
  fi
  # It may be gone by now.
  prefix journal 2>/dev/null <"$journal" || :
}

# getent asks what the host's programs ask. nslookup, where there is none, reads no /etc/hosts.
resolve() { # NAME...
  for name in "$@"; do
    echo "name $name"
    if command -v getent >/dev/null 2>&1; then
      getent ahosts "$name" 2>/dev/null | prefix getent
      continue
    fi
    grep -iF -- "$name" /etc/hosts 2>/dev/null | prefix hosts
    if command -v nslookup >/dev/null 2>&1; then
      nslookup "$name" 2>/dev/null | prefix nslookup
    else
      echo "no-resolver"
    fi
  done
}

listening() {
  if command -v ss >/dev/null 2>&1; then
    ss -ltn 2>/dev/null | prefix ss
    return
  fi
  for file in /proc/net/tcp /proc/net/tcp6; do
    [ ! -r "$file" ] || listeners <"$file" | prefix "${file##*/}"
  done
}

# The kernel lists them first, in state 0A, before what may be a hundred thousand connections.
listeners() {
  read -r _
  while read -r _ ends _ state _ && [ "$state" = 0A ]; do echo "$ends"; done
}

# ---------------------------------------------------------------- what a drain asks

# TCP connections in each state but LISTEN, TIME-WAIT and CLOSE: "ss LINE", "tcp LINE" (of /proc) and
# "conntrack LINE"; in TIME-WAIT: "ended ss LINE", "ended tcp LINE". After each source how many lines
# it has, for only the first of them are told. Never nothing by mistake: what cannot be asked is a
# failure, or "blind".
connections() { # SS_FILTER TCP_PATTERN CONNTRACK_PATTERN
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

conntrack_table=/proc/net/nf_conntrack

# DNAT to a container shows in no socket of the host. Where nothing is translated it is the VIP
# itself that answers, and its sockets are counted.
translated() { # PATTERN
  if [ -r "$conntrack_table" ]; then
    matching "$1" <"$conntrack_table"
  elif entries=$({ conntrack -L -p tcp -f ipv4 && conntrack -L -p tcp -f ipv6; } 2>/dev/null); then
    printf '%s\n' "$entries" | matching "$1"
  elif may_translate; then
    echo blind
  fi | sed -e '/ TIME_WAIT /d' -e '/ CLOSE /d' -e '/^[^=]*src=[^ ]* dst=\([^ ]*\) .* src=\1 /d'
}

# Without conntrack there is no NAT. With it, and nobody to tell the rules, there may be.
may_translate() {
  read_first /proc/sys/net/netfilter/nf_conntrack_count
  case $value in - | 0) return 1 ;; esac
  ! cat /proc/net/ip_tables_names /proc/net/ip6_tables_names | grep -q '^nat$' || return 0
  if command -v nft >/dev/null; then
    nft list ruleset | grep -qE '(dnat|redirect)'
  elif command -v iptables-save >/dev/null; then
    { iptables-save && ip6tables-save; } | grep -qE -e '-j (DNAT|REDIRECT)'
  fi
} 2>/dev/null
