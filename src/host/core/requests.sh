# What a request may say, before the shell evaluates it: calls of listed verbs, and nothing else.
#
#   request = call *( " && " call )   call = verb *( " " word )   word = "'" text "'", a quote in it as '\''

# Cut at its quotes, a request is by turns what stands between words and what stands in one.
is_request() { # LINE
  local due=joint part=" && $1 && "
  set -f
  IFS="'"
  # shellcheck disable=SC2086 # parts, by design
  set -- $part
  IFS=$blanks
  set +f
  for part in "$@"; do
    case $due:$part in
      word:*) due=joint ;;
      'joint: ' | escape:) due=word ;;
      joint:[\\]) due=escape ;;
      'joint: && '*) are_verbs "${part# && }" && case $part in *' && ') due=end ;; *) due=word ;; esac ;;
      *) false ;;
    esac || fail "${failure:-the request cannot be read}" || return 1
  done
  [ "$due" = end ] || fail "the request cannot be read"
}

are_verbs() { # TEXT: joined by " && ", which or a blank goes after the last
  local rest="$1" verb=''
  while [ -n "$rest" ]; do
    verb=${rest%% *}
    is_listed "$verb" "begin put drop observe define more commit fail $verbs" || fail "there is no verb $verb" || return 1
    rest=${rest#"$verb"}
    case $rest in ' ') return 0 ;; ' && '*) rest=${rest# && } ;; *) return 1 ;; esac
  done
}
