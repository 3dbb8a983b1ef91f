# What only an operation that changes something needs.

# What keepalived has to say of its configuration before it changes: only what a change adds counts.
consult() {
  find_daemon
  is_alone || fail "keepalived is not running any more" || return 1
  examine
  verdict_before=$verdict said_before=$lf$said$lf
  [ -z "$fatal" ] || fail "keepalived may end when it reads its configuration: $(in_a_line "$fatal")"
}

# How it is undone is on disk before the file changes.
arrange() { # FILE [LINE...]: a block, whole; without lines there is none
  local old=-
  path=$1 aside=$1.new permissions=644
  shift
  [ ! -f "$path" ] || old=$(base64 <"$path" | tr -d '\n') || fail "$path cannot be read" || return 1
  log_step "managed $path ${old:-Cg==}" && durable "$journal" || return 1
  if [ "$#" = 0 ]; then
    problem=$(rm -f "$path" 2>&1)
  else
    write_aside "$@" && take_place
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
  [ -n "$added" ] || [ "$verdict" = "$verdict_before" ] || added="status $verdict"
  [ -z "$added" ] || fail "keepalived does not take the change: $added" || return 1
  log_step "reloaded -" || return 1
  kill -HUP "$daemon" 2>/dev/null || fail "keepalived has ended meanwhile" || return 1
  sleep "${1:-0}" 7>&- 9>&-
}
