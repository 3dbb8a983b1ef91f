# What a director is like, a line a fact; src/observed reads it.

observation() { # [SELECTOR]: of one service, or of all
  local told=''
  told=$(tell_all "$@") || return 1
  say "lvs-dr-observation 1"
  observe_identity
  say "$told"
  observe_boot
  observe_registry || return 1
  say end
}

tell_all() { # [SELECTOR]
  local addresses='' value=''
  addresses=$(ip -o addr show) || return 1
  printf '%s\n' "$addresses" | prefix addr
  observe_table "$@" || return 1
  read_first /proc/sys/net/ipv4/vs/expire_nodest_conn value
  echo "nodest $value"
  read_first /proc/sys/net/ipv4/vs/expire_quiescent_template value
  echo "template $value"
  observe_keepers
  return 0
}

# Thresholds are in no listing but their own. Where the kernel has no IPVS yet there is nothing to tell,
# and it is not loaded for the sake of that.
observe_table() { # [SELECTOR]
  local saved=''
  [ -e /proc/net/ip_vs ] || return 0
  saved=$(ipvsadm -Sn) || return 1
  if [ "$#" = 0 ]; then
    [ -z "$saved" ] || printf '%s\n' "$saved" | prefix table
    ipvsadm -Ln --thresholds | prefix limits
    return
  fi
  printf '%s\n' "$saved" | grep -F -e "-A $1 " -e "-a $1 " | prefix table
  set -f
  # shellcheck disable=SC2086 # options, by design
  ipvsadm -Ln $1 --thresholds 2>/dev/null | prefix limits
  set +f
}

# Who believes that the table is theirs: programs in this network namespace, by their names.
observe_keepers() {
  local file='' name=''
  grep -HxE 'keepalived|ldirectord|kube-proxy' /proc/[0-9]*/comm 2>/dev/null | while IFS=: read -r file name; do
    [ ! "${file%comm}ns/net" -ef /proc/self/ns/net ] || echo "keeper $name"
  done
}

# ---------------------------------------------------------------- what a drain asks

# The service as it is, and its connections, a line for those that are alike: a director has a hundred
# thousand of them.
usage() { # SELECTOR PATTERN: of lines in the kernel's list; empty for none
  observe_table "$1" || return 1
  printf 'timeouts %s\n' "$(ipvsadm -l --timeout | sed 's/.*: //')"
  [ -z "$2" ] || grep -E -e "$2" /proc/net/ip_vs_conn |
    sed 's/^[^ ]* *[^ ]* [^ ]* [^ ]* [^ ]* \([^ ]*\) [^ ]* \([^ ]*\)  *\([0-9]*\).*/\1 \2 \3/' |
    sort | uniq -c | prefix conn
}
