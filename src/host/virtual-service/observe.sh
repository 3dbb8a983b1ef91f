# What a director is like, a line a fact; src/observed reads it.

observation() { # [SELECTOR [WORD...]]: of one service, or of all
  local told=''
  told=$(tell_all ${1+"$1"} && tell_more "$@") || return 1
  say "lvs-dr-observation 1"
  observe_identity
  say "$told"
  observe_boot
  observe_registry || return 1
  say end
}

tell_more() { # what a kind that is made of this one tells besides
  :
}

tell_all() { # [SELECTOR]
  local addresses='' value=''
  addresses=$(ip -o addr show) || return 1
  tell addr "$addresses"
  observe_table "$@" || return 1
  read_first /proc/sys/net/ipv4/vs/expire_nodest_conn value
  echo "nodest $value"
  read_first /proc/sys/net/ipv4/vs/expire_quiescent_template value
  echo "template $value"
  observe_keepers
}

# Without a process: a director may be asked by many at once, and each of those that drain asks every second.
tell() { # WORD TEXT [START...]: each line of a text, after a word; only lines that start so, if any are given
  local line='' text="$2" word="$1" start=''
  shift 2
  set -f
  IFS=$lf
  for line in $text; do
    [ "$#" != 0 ] || printf '%s %s\n' "$word" "$line"
    for start in "$@"; do case $line in "$start"*) printf '%s %s\n' "$word" "$line" ;; esac; done
  done
  IFS=$blanks
  set +f
}

# Thresholds are in no listing but their own. Where the kernel has no IPVS yet there is nothing to tell,
# and it is not loaded for the sake of that.
observe_table() { # [SELECTOR]
  local saved='' limits='' status=0
  [ -e /proc/net/ip_vs ] || return 0
  saved=$(ipvsadm -Sn) || return 1
  set -f
  # shellcheck disable=SC2086 # options, by design
  limits=$(ipvsadm -Ln ${1-} --thresholds 2>/dev/null) || status=$?
  set +f
  was_not_killed "$status" || return 1
  if [ "$#" = 0 ]; then
    tell table "$saved"
  else
    tell table "$saved" "-A $1 " "-a $1 "
  fi
  tell limits "$limits"
}

# Who believes that the table is theirs: programs in this network namespace, by their names.
observe_keepers() {
  local file='' found=''
  find_keepalived || return 1
  [ -z "$keepalived" ] || echo "keeper keepalived"
  found=$(grep -HxE 'ldirectord|kube-proxy' /proc/[0-9]*/comm 2>/dev/null) || was_not_killed $? || return 1
  for file in $found; do # FILE:NAME, without blanks
    [ ! "${file%comm:*}ns/net" -ef /proc/self/ns/net ] || echo "keeper ${file##*:}"
  done
}

keepalived='' # its processes in this network namespace

# By their files: process_name gives them other names, and a script of its name is none. Where a file is
# not shown, as to a root of less than all capabilities, the name has to do.
find_keepalived() { # fails where the search was ended by a signal
  local line='' found='' pid='' name=''
  keepalived=''
  found=$(ls -ln /proc/[0-9]*/exe 2>/dev/null) || was_not_killed $? || return 1
  while IFS= read -r line; do
    pid=${line##*/proc/}
    pid=${pid%%/*}
    case $line in
      *' -> '*) name=${line##*/} ;;
      *) read_first "/proc/$pid/comm" name ;;
    esac
    case $name in keepalived | 'keepalived ('*) ;; *) continue ;; esac # the kernel's " (deleted)"
    [ ! "/proc/$pid/ns/net" -ef /proc/self/ns/net ] || keepalived="${keepalived:+$keepalived }$pid"
  done <<END
$found
END
}

# ---------------------------------------------------------------- what a drain asks

# The service as it is, and its connections, a line for those that are alike: a director has a hundred
# thousand of them.
usage() { # SELECTOR PATTERN: of lines in the kernel's list; empty for none
  local timeouts=''
  observe_table "$1" || return 1
  timeouts=$(ipvsadm -l --timeout)
  echo "timeouts ${timeouts##*: }"
  [ -z "$2" ] || in_use "$2" | prefix conn
}

# The mark at the end, which sorts last, has come through all of them: a count that ends early would have
# connections cut.
in_use() { # PATTERN
  { { grep -E -e "$1" /proc/net/ip_vs_conn || [ $? = 1 ]; } && echo '~'; } |
    sed 's/^[^ ]* *[^ ]* [^ ]* [^ ]* [^ ]* \([^ ]*\) [^ ]* \([^ ]*\)  *\([0-9]*\).*/\1 \2 \3/' |
    sort | uniq -c
}
