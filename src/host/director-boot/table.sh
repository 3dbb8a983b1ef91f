# What is put back into the table, a service at a time: what is missing comes, what differs is made as
# recorded, and what no record names stays as it is.

present='' # the table, a line each between line breaks
waiting='' # yes while an operation is draining

read_table() {
  present=$(ipvsadm -Sn 2>&1) || fail "the IPVS table cannot be read: $(in_a_line "$present")" || return 1
  present=$lf$present$lf
}

in_a_line() { # TEXT
  printf %s "$1" | tr '\n' ' '
}

# An operation that is draining holds weights at 0. One that died in a drain is undone by the next.
know_waits() {
  local folder='' who=''
  for folder in "$waits"/*; do
    [ -d "$folder" ] || continue
    if ! (command exec 6>>"$folder/lock" && flock -n 6) 2>/dev/null; then
      waiting=yes
    elif [ -e "$folder/journal" ]; then
      read_first "$folder/lock" who
      is_left_to_others "$who" || return 1
    fi
  done
}

put_service() { # as it was read
  local one='' lines='' said=''
  [ -n "$persists" ] || return 0
  case $present in
    *"$lf-A $service$lf"*) ;;
    *"$lf-A $selector -s "*) [ -n "$waiting" ] || lines="-E $service" ;;
    *) lines="-A $service" ;;
  esac
  while [ -n "$destinations" ] && IFS= read -r one; do
    case $present in
      # Thresholds are not in this listing.
      *"$lf-a ${one%% -g *} "*) [ -n "$waiting" ] || lines="${lines:+$lines$lf}-e $one" ;;
      *) lines="${lines:+$lines$lf}-a $one" ;;
    esac
  done <<END
$destinations
END
  [ -n "$lines" ] || return 0
  said=$(feed "$lines" ipvsadm -R 2>&1) # whose status says nothing
  [ -z "$said" ] || problem "$selector: ipvsadm: $(in_a_line "$said")"
}

check_service() {
  local one=''
  [ -n "$persists" ] || return 0
  case $problems in *"$selector: "*) return ;; esac
  case $present in *"$lf-A $service$lf"*) ;; *) problem "$selector: not in the table as recorded" ;; esac
  while [ -n "$destinations" ] && IFS= read -r one; do
    case $present in *"$lf-a ${one% -x *}$lf"*) ;; *) problem "${one%% -g *}: not in the table as recorded" ;; esac
  done <<END
$destinations
END
}
