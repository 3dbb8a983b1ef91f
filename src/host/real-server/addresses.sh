# Addresses on lo: what changes them, as it stands in a request and in the journal, and as ip takes it.

know_flavour() { # whose `ip` it is, in $flavour
  [ -n "$flavour" ] || case $(ip -V 2>&1) in *iproute2*) flavour=iproute2 ;; *) flavour=busybox ;; esac
}

# Steps of one family: "bound PREFIX ATTRIBUTES VALID PREFERRED LABEL", "unbound ..." alike. In PREFIX and
# ATTRIBUTES a comma stands for a blank: "203.0.113.10,peer,127.0.0.1/32", "global,brd,203.0.113.10".
addresses() { # FAMILY STEP...
  local family="$1" step='' line='' lines=''
  shift
  for step in "$@"; do
    log_step "${step%% *} $family ${step#* }" || return 1
    address_command line "$step"
    lines="${lines:+$lines
}$line"
  done
  run_batch "$family" "$lines" || blame "$family" "$@"
}

blame() { # FAMILY STEP...: says which step failed; those from it on were not taken
  local family="$1" step='' rest='' number=0 culprit=''
  shift
  for step in "$@"; do
    number=$((number + 1))
    rest=${step#* }
    [ "$number" != "$failed_at" ] || { culprit=${rest%% *} && ! may_be_taken || continue; }
    [ -z "$culprit" ] || log_step "void ${step%% *} $family ${rest%% *}" || return 1
  done
  fail "ip: $problem${culprit:+ (at $culprit)}"
}

# Was it not somebody else, but we? A step that failed for another reason, or whose `ip` was killed,
# may have been taken all the same, and is undone like the others.
may_be_taken() {
  case $problem in
    *'File exists'* | *'already assigned'*) return 1 ;;
    *'Cannot assign requested address'* | *'ddress not found'*) return 1 ;;
  esac
}

address_command() { # NAME STEP: in the variable of that name, what ip has to do
  local _name="$1" _words=''
  set -f
  # shellcheck disable=SC2086 # fields, by design
  set -- $2
  set +f
  case "$1 $3" in
    *,change) shift && address_words _words "$@" && _words="addr change $_words" ;;
    bound*) shift && address_words _words "$@" && without_dad _words "$1" && _words="addr add $_words" ;;
    unbound*) with_blanks _words "$2" && _words="addr del $_words dev lo" ;;
  esac
  eval "$_name=\$_words"
}

address_words() { # NAME PREFIX ATTRIBUTES VALID PREFERRED [LABEL]: in the variable of that name, as ip takes them
  local _how='' _more=''
  with_blanks _how "$2"
  with_blanks _more "${3%,change}"
  _how="$_how dev lo valid_lft $4 preferred_lft $5"
  case $2:$_more in
    # The kernel knows an IPv6 address's scope, and ip takes none.
    *:*:*' '*) _how="$_how ${_more#* }" ;;
    *:*:*) ;;
    *) _how="$_how scope $_more${6:+ label $6}" ;;
  esac
  eval "$1=\$_how"
}

without_dad() { # NAME PREFIX: for an IPv6 address; busybox has no word for it, and lo does none anyway
  case $2:$flavour in *:*:iproute2) eval "$1=\"\$$1 nodad\"" ;; esac
}

with_blanks() { # NAME WORD: in the variable of that name, with a blank for each comma
  local _left="$2"
  while :; do
    case $_left in *,*) _left="${_left%%,*} ${_left#*,}" ;; *) break ;; esac
  done
  eval "$1=\$_left"
}

# One process for all lines with iproute2, which stops at the first that fails and says which.
run_batch() { # FAMILY LINES: on failure $failed_at is the line's number, and $problem says why
  local line=''
  if [ "$flavour" = iproute2 ]; then
    problem=$(feed "$2" ip "-$1" -batch - 2>&1) && return
    failed_at=${problem##*Command failed -:}
    # Killed, say: then any line may have been carried out, and none is void.
    case $failed_at in '' | *[!0-9]*) failed_at=unknown ;; esac
    problem=${problem%?Command failed*}
    return 1
  fi
  failed_at=0
  while IFS= read -r line; do
    failed_at=$((failed_at + 1))
    # shellcheck disable=SC2086 # fields, by design
    problem=$(set -f && ip "-$1" $line 2>&1) || return 1
  done <<EOF
$2
EOF
}
