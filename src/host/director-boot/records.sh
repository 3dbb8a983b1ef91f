# The records of services. docs/reference/protocol.md has their lines.

unread='' # the line at which the last record could not be read

each_service() { # FUNCTION: for each record
  local record=''
  for record in "$registry"/owners/*; do
    [ -e "$record" ] || continue
    if read_service <"$record"; then
      "$1"
    elif [ "$1" = put_service ]; then
      case $unread in *[![:print:]]*) unread='no text' ;; esac
      problem "$record cannot be read at \"$unread\""
    fi
  done
}

# $selector; $service and $destinations (a line each) as ipvsadm takes them; $persists. A line of a later
# version is passed over; one that must not be has another format in the head.
read_service() { # of stdin; fails at the line $unread
  local line='' due=head
  selector='' service='' destinations='' persists='' unread=''
  while IFS= read -r line || [ -n "$line" ]; do
    case $due:$line in
      'head:lvs-dr-service 1') due=owner ;;
      'owner:owner "'*'"') due=incarnation ;;
      'incarnation:incarnation '?*) due=seen ;;
      'seen:seen '?*) due=rest ;;
      rest:end) due=nothing ;;
      'rest:service '?*) read_scheduling "${line#service }" ;;
      'rest:destination '?*) read_destination "${line#destination }" ;;
      rest:persist) persists=yes ;;
      rest:*) is_unknown "${line%% *}" ;;
      *) false ;;
    esac || { unread=$line && return 1; }
  done
  [ "$due:$service" != nothing: ] && [ "$due" = nothing ] || { unread='(its end)' && return 1; }
}

# What is read goes to `ipvsadm -R`: nothing but one service, which can be declared.
read_scheduling() { # OPTIONS
  local rest=''
  selector=${1%% -s *}
  rest=${1#"$selector"}
  [ -z "$service" ] && is_selector "$selector" && [ -n "$rest" ] || return 1
  while [ -n "$rest" ]; do
    case $rest in
      *[!0-9a-zA-Z.,_' '-]*) return 1 ;;
      ' -s '[a-z]* | ' -b '[a-z]* | ' -p '[0-9]* | ' -M '[0-9]*) rest=${rest#????} ;;
      *) return 1 ;;
    esac
    case $rest in *' '*) rest=" ${rest#* }" ;; *) rest='' ;; esac
  done
  service=$1
}

is_selector() { # OPTIONS
  local mark="${1#-f }"
  case $1 in
    '-f '*) case ${mark% -6} in '' | *[!0-9]*) return 1 ;; esac ;;
    -[tu]' '*' '* | -[tu]' '*[!][0-9a-f.:]*) return 1 ;;
    -[tu]' '?*:[0-9]*) ;;
    *) return 1 ;;
  esac
}

read_destination() { # OPTIONS
  local rest=''
  rest=${1#"$selector -r "}
  [ -n "$service" ] && [ "$rest" != "$1" ] || return 1
  case $rest in
    *' '*' '*' '*' '*' '*' '*' '*' '* | *[!][0-9a-f.:gwxy' '-]*) return 1 ;;
    ?*:[0-9]*' -g -w '[0-9]*' -x '[0-9]*' -y '[0-9]*) ;;
    *) return 1 ;;
  esac
  destinations="${destinations:+$destinations$lf}$1"
}

is_unknown() { # WORD: of a later version, and not one of ours in a place or a way that is none
  case $1 in
    owner | incarnation | seen | service | destination | persist | end) return 1 ;;
    [!a-z]* | *[!a-z0-9-]* | '') return 1 ;;
  esac
}
