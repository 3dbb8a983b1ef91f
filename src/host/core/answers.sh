# Answers, and what is said between them.

failure='' # why the current request failed
body=''    # of the answer to come
latest=''  # the end of it: appended to all of a long one, each line would cost a copy of all before

fail() { # TEXT: a verb's failure
  failure=$1
  return 1
}

# With the length of its body, so that one that is cut off, or that somebody writes into, is none.
reply() { # STATUS
  printf '%s begin\n%s\n%s %s %s\n' "$nonce" "$body" "$nonce" "$1" "${#body}"
}

note() { # TEXT: progress, between answers
  printf '%s note %s\n' "$nonce" "$1"
}

warn() { # TEXT: what people should still see when the operation is over
  printf '%s warning %s\n' "$nonce" "$1"
}

say() { # LINE: of the body
  latest=$latest$1$lf
  [ "${#latest}" -lt 4000 ] || { body=$body$latest && latest=''; }
}

say_each() { # WORD [always]: each line of stdin, after a word; and that once, if there must be a line
  local line='' owed="${2:-}"
  while IFS= read -r line || [ -n "$line" ]; do owed='' && say "$1 $line"; done
  [ -z "$owed" ] || say "$1 "
}

observe() { # WORD...: the body of the answer is what the host is like now
  [ -z "$staged" ] || place || return 1
  body='' latest=''
  know_tools "$@" && observation "$@" || fail "$unobserved" || return 1
  body=$body$latest
  body=${body%"$lf"}
}

define() { # FUNCTIONS: what only some requests need, with a tab for each line break
  set -f
  IFS='	'
  # shellcheck disable=SC2086 # lines, by design
  set -- $1
  IFS=$lf
  set -- "$*"
  IFS=$blanks
  set +f
  eval "$1"
}

more() { # QUESTION WORD...: what it prints is the next part of the answer's body
  is_listed "$1" "$questions" || fail "there is no question $1" || return 1
  body="$body$("$@")$lf"
}
