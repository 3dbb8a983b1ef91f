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
# instead, and ends by what VRRP cannot go on with. By status both are alike: 5, or 6 where there are
# scripts that anybody may change, too, because it is the greatest that counts (config_err).
find_fatal() {
  case $verdict in
    0) ;;
    5 | 6) [ -z "$said" ] || fatal=$(printf '%s\n' "$said" | grep -v -e "Unknown keyword '" -e "missing '}'s or extra '{'s" \
      -e "Extra '}' found" -e "Missing '{'" -e '[Ii]gnoring[.]*$' -e '[Ss]kipping[ IP]*[.]*$' -e ' - removing$' \
      -e 'efaulting to ' -e '[Ss]etting default ' -e '[Uu]sing default ' -e 'outside range \[' -e ' rounding$' \
      -e 'exceeds total weight of real servers' -e ': hysteresis [0-9]* >= quorum' -e 'Truncating auth_pass' \
      -e 'resetting nopreempt' -e 'Disabling track script' -e 'No VIP specified; at least one is sensible' \
      -e 'SECURITY VIOLATION' -e 'is readable by group or others' -e 'default user .* for script execution' -e deprecated) ;;
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
  case $daemon in
    '') return 0 ;;
    *' '*) stuck="which keepalived is to read its files is not known (processes $daemon): stop all but one" && return 0 ;;
  esac
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

# One that is as it was is not written: its folder may be what cannot be changed.
put_block_back() { # FILE CONTENT|-
  local _aside=''
  aside_of _aside "$1"
  rm -f "$_aside"
  if [ "$2" = - ]; then
    ! is_there "$1" || rm -f "$1"
  else
    [ -f "$1" ] && [ "$(in_base64 "$1")" = "$2" ] ||
      { (umask 022 && feed "$2" base64 -d >"$_aside") && durable "$_aside" && mv "$_aside" "$1"; }
  fi
}

in_base64() { # FILE: in a line, also an empty one
  local text=''
  text=$(base64 <"$1" | tr -d '\n') && printf %s "${text:-Cg==}"
}

# A name that no pattern of an include has, and that is no less in the folder.
aside_of() { # NAME FILE: in the variable of that name, where it is made
  eval "$1=\${2%/*}/.\${2##*/}.new"
}
