# Answers, and what is said between them.

failure='' # why the current request failed
body=''    # of the answer to come

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

observe() { # WORD...: the body of the answer is what the host is like now
  place || return 1
  know_tools "$@" && body=$(observation "$@") || fail "$unobserved"
}

define() { # TEXT: functions that only some requests need, without a line break
  eval "$(printf %b "$1")"
}

more() { # QUESTION WORD...: what it prints is the next part of the answer's body
  is_listed "$1" "$questions" || fail "there is no question $1" || return 1
  body="$body$("$@")
"
}
