# What a director is like that keepalived keeps. It goes after virtual-service/observe.sh.

tell_more() { # SELECTOR FILE [ask]: where the block of the service is
  local one=''
  find_daemon || return 1
  for one in $daemon; do echo "keepalived-daemon $one"; done
  if is_alone; then
    "/proc/$daemon/exe" -v 2>&1 7>&- 9>&- | grep -i '^keepalived v' | prefix keepalived-version
    echo "keepalived-conf $conf"
    [ -z "$unfit" ] || echo "keepalived-unfit $unfit"
    ! includes "$conf" "$2" .... || echo keepalived-included
    examine
    [ -z "$said" ] || printf '%s\n' "$said" | prefix keepalived-said
    [ -z "$fatal" ] || printf '%s\n' "$fatal" | prefix keepalived-fatal
  fi
  [ ! -d "${2%/*}" ] || echo keepalived-folder
  [ ! -e "$2" ] || { echo keepalived-file && prefix keepalived-line <"$2"; }
  tell_checks "$@"
}

tell_checks() { # where keepalived is to be asked about its checks
  :
}

includes() { # CONF FILE DEPTH: a dot for each level that is left
  local pattern='' one=''
  while read -r pattern; do
    for one in ${pattern%/*}; do
      [ "$one" -ef "${2%/*}" ] || continue
      # shellcheck disable=SC2254 # a pattern, by design
      case ${2##*/} in ${pattern##*/}) return 0 ;; esac
    done
    [ "$3" != . ] || continue
    for one in $pattern; do ! includes "$one" "$2" "${3#.}" || return 0; done
  done <<END
$(inclusions "$1")
END
  return 1
}
