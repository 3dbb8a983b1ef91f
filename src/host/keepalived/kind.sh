# A director whose table keepalived keeps: what differs from one whose table is ours. It goes after the
# files of virtual-service, and keepalived/daemon.sh.

tools="$tools base64"
verbs="$verbs consult arrange reload"
steps="$steps managed reloaded"

verdict='' # the status of keepalived -t
said=''    # what it said with that, each line once
fatal=''   # of that, what a running keepalived may end by

# What the very program that runs says of its configuration as it is now. That a service has nothing but
# weights of 0, as while all of it is drained, is no complaint.
examine() {
  # shellcheck disable=SC2086 # options, by design
  said=$("/proc/$daemon/exe" $terms -t -f "$conf" 2>&1 7>&- 9>&-)
  verdict=$?
  fatal=''
  [ -n "$said" ] || { find_fatal && return; }
  said=$(printf '%s\n' "$said" | sed -e '/^$/d' -e '/exceeds total weight of real servers 0, /d' -e '/: hysteresis [0-9]* >= quorum 0;/d' | sort -u)
  [ -n "$said" ] || [ "$verdict" != 5 ] || verdict=0
  find_fatal
}

# A keepalived that reads its configuration anew passes over what it does not know, or says what it takes
# instead, and ends by what VRRP cannot go on with. By status both are alike, unless it is 0 or 6 (scripts
# that anybody may change).
find_fatal() {
  case $verdict in
    0 | 6) ;;
    5) [ -z "$said" ] || fatal=$(printf '%s\n' "$said" | grep -v -e "Unknown keyword '" -e "missing '}'s or extra '{'s" \
      -e "Extra '}' found" -e "Missing '{'" -e '[Ii]gnoring[.]*$' -e '[Ss]kipping[ IP]*[.]*$' -e ' - removing$' \
      -e 'efaulting to ' -e '[Ss]etting default ' -e '[Uu]sing default ' -e 'outside range \[' -e ' rounding$' \
      -e 'exceeds total weight of real servers' -e ': hysteresis [0-9]* >= quorum' -e 'Truncating auth_pass' \
      -e 'resetting nopreempt' -e 'Disabling track script' -e 'No VIP specified; at least one is sensible' \
      -e 'SECURITY VIOLATION' -e 'default user .* for script execution' -e deprecated) ;;
    *) fatal="status $verdict${said:+: $said}" ;;
  esac
  return 0
}

in_a_line() { # TEXT
  printf %s "$1" | tr '\n' ' '
}

# ---------------------------------------------------------------- undo

# Our lines of the table first, then the files: what they say comes into the table by reading them.
undo_steps() {
  returned='' was_read=''
  undo_table
  [ -z "$stuck" ] || return 0
  undo_rest undo_block <"$journal"
  # In another boot keepalived has begun with what was there, whatever of the journal is.
  [ -n "$returned" ] && [ -z "$stuck" ] && [ "$was_read$this_boot" != yes ] || return 0
  find_daemon || { stuck="it is not known which keepalived is to read its files: $cut_short" && return 0; }
  is_alone || return 0
  examine
  if [ -n "$fatal" ]; then
    stuck="keepalived has to read its configuration, and may end by it: $(in_a_line "$fatal"); put that right, keepalived -t shows it"
  else
    kill -HUP "$daemon"
    sleep 1 7>&- 9>&-
  fi
} 2>/dev/null

undo_block() { # of "managed FILE CONTENT", in base64, or - for none; or of "reloaded -"
  case $1 in
    reloaded) was_read=yes ;;
    managed)
      returned=yes
      put_block_back "$2" "$3" || stuck="$2 could not be put back"
      durable "${2%/*}"
      ;;
  esac
}

put_block_back() { # FILE CONTENT|-
  rm -f "$1.new"
  if [ "$2" = - ]; then
    rm -f "$1"
  else
    (umask 022 && feed "$2" base64 -d >"$1.new") && durable "$1.new" && mv "$1.new" "$1"
  fi
}
