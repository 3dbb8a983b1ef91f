# What a director is like that keepalived keeps. It goes after virtual-service/observe.sh.

observation() { # SELECTOR FILE: of one service, and where its block is
  local told=''
  told=$(tell_all "$1" && tell_keepalived "$2") || return 1
  say "lvs-dr-observation 1"
  observe_identity
  say "$told"
  observe_boot
  observe_registry || return 1
  say end
}

tell_keepalived() { # FILE
  local one=''
  find_daemon
  for one in $daemon; do echo "keepalived-daemon $one"; done
  if is_alone; then
    "/proc/$daemon/exe" -v 2>&1 7>&- 9>&- | grep -i '^keepalived v' | prefix keepalived-version
    echo "keepalived-conf $conf"
    ! includes "$conf" "$1" .... || echo keepalived-included
    examine
    [ -z "$said" ] || printf '%s\n' "$said" | prefix keepalived-said
    [ -z "$fatal" ] || printf '%s\n' "$fatal" | prefix keepalived-fatal
  fi
  [ ! -d "${1%/*}" ] || echo keepalived-folder
  [ ! -e "$1" ] || { echo keepalived-file && prefix keepalived-line <"$1"; }
}

# As keepalived reads it: a pattern of names, relative to the file it stands in.
includes() { # CONF FILE DEPTH: a dot for each level that is left
  local word='' pattern='' one=''
  [ -f "$1" ] && [ -r "$1" ] || return 1
  while read -r word pattern _; do
    pattern=${pattern#\"}
    pattern=${pattern%\"}
    case $word:$pattern in
      include*:/*) ;;
      include*:?*) pattern=${1%/*}/$pattern ;;
      *) continue ;;
    esac
    if [ "${pattern%/*}" -ef "${2%/*}" ]; then
      # shellcheck disable=SC2254 # a pattern, by design
      case ${2##*/} in ${pattern##*/}) return 0 ;; esac
    fi
    [ "$3" != . ] || continue
    for one in $pattern; do ! includes "$one" "$2" "${3#.}" || return 0; done
  done <"$1"
  return 1
}
