# The records of owners. docs/reference/protocol.md has their lines.

unread='' # the line at which the last record could not be read

each_owner() { # FUNCTION: for each record
  local record=''
  for record in "$registry"/owners/*; do
    [ -e "$record" ] || continue
    unread=''
    if read_owner <"$record"; then
      "$1"
    elif [ "$1" = bind_owner ]; then
      case $unread in *[![:print:]]*) unread='no text' ;; esac
      problem "$record cannot be read at \"$unread\""
    fi
  done
}

# $vips, $excepts, $claims ("KEY VALUE NIC", a line each), $lists: yes for claims on a list of NICs,
# $persists. A line of a later version is passed over; one that must not be has another format in the head.
read_owner() { # of stdin; fails at the line $unread
  local line='' due=head
  vips='' excepts='' claims='' lists='' persists='' unread=''
  while IFS= read -r line || [ -n "$line" ]; do
    case $due:$line in
      'head:lvs-dr-owner 1') due=owner ;;
      'owner:owner "'*'"') due=incarnation ;;
      'incarnation:incarnation '?*) due=seen ;;
      'seen:seen '?*) due=rest ;;
      rest:end) due=nothing ;;
      'rest:vip '?*) read_vip "${line#vip }" ;;
      'rest:claim arp_ignore '[12]' '?* | 'rest:claim arp_announce 2 '?*) read_claim "${line#claim }" ;;
      'rest:except '?*) read_except "${line#except }" ;;
      rest:persist) persists=yes ;;
      rest:*) is_unknown "${line%% *}" ;;
      *) false ;;
    esac || { unread=$line && return 1; }
  done
  [ "$due" = nothing ] || { unread='(its end)' && return 1; }
}

read_vip() { # ADDRESS
  case $1 in *[!0-9a-f.:]*) return 1 ;; esac
  vips="$vips $1"
}

read_claim() { # "KEY VALUE NIC"
  case ${1#* * } in *' '* | */* | . | ..) return 1 ;; all) ;; *) lists=yes ;; esac
  claims="$claims$1
"
}

read_except() { # GLOB
  case $1 in *' '* | */* | *:* | *'['* | *']'*) return 1 ;; esac
  excepts="$excepts $1"
}

is_unknown() { # WORD: of a later version, and not one of ours in a place or a way that is none
  case $1 in
    owner | incarnation | seen | vip | claim | except | persist | end) return 1 ;;
    [!a-z]* | *[!a-z0-9-]* | '') return 1 ;;
  esac
}
