# What only an operation that changes something needs.

start_it='start it (systemctl start keepalived; journalctl -u keepalived has why it ended), and try again'

# What keepalived has to say of its configuration before it changes: only what a change adds counts.
consult() {
  find_daemon || fail "it is not known which keepalived runs: $cut_short" || return 1
  case $daemon in
    '') fail "keepalived is not running any more: $start_it" ;;
    *' '*) fail "keepalived runs more than once by now (processes $daemon): stop all but one, and try again" ;;
  esac || return 1
  # Without IPVS its checker ends for good as soon as it has a service, and it takes VRRP along
  # (check_daemon.c, start_check). Asked for here, the kernel loads it, whatever keepalived's unit may do.
  [ -e /proc/net/ip_vs ] || ipvsadm -Ln >/dev/null 2>&1
  [ -e /proc/net/ip_vs ] || fail "the kernel has no IPVS, and keepalived would end when it is told of a service: modprobe ip_vs, and try again" || return 1
  examine
  verdict_before=$verdict said_before=$lf$said$lf
  [ -z "$fatal" ] || fail "keepalived may end when it reads its configuration: $(in_a_line "$fatal"); put that right (keepalived -t shows it), and try again"
}

# How it is undone is on disk before the file changes.
arrange() { # FILE [LINE...]: a block, whole; without lines there is none
  local old=-
  path=$1 permissions=644
  aside_of aside "$1"
  shift
  [ ! -f "$path" ] || old=$(in_base64 "$path") || fail "$path cannot be read" || return 1
  log_step "managed $path $old" && durable "$journal" || return 1
  if [ "$#" = 0 ]; then
    problem=$(rm -f "$path" 2>&1)
  else
    # keepalived begins with it after a power cut: it is whole before it has the name.
    write_aside "$@" && problem='it cannot be synced' && durable "$aside" && take_place
  fi || fail "$path cannot be written: $problem" || return 1
  unsynced="$unsynced ${path%/*}"
}

reload() { # [SECONDS]: keepalived reads what was arranged, if it has nothing against it, and has so long
  local line='' added=''
  examine
  while IFS= read -r line; do
    case $said_before in *"$lf$line$lf"*) ;; *) added="$added${added:+; }$line" ;; esac
  done <<END
$said
END
  [ -n "$added" ] || [ "$verdict" = 0 ] || [ "$verdict" = "$verdict_before" ] || added="keepalived -t ends with status $verdict, and before the change with $verdict_before"
  [ -z "$added" ] || fail "keepalived does not take the change: $added" || return 1
  log_step "reloaded -" || return 1
  kill -HUP "$daemon" 2>/dev/null || fail "keepalived has ended meanwhile: $start_it" || return 1
  sleep "${1:-0}" 7>&- 9>&-
}
