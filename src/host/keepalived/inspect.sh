# What an inspection is told of keepalived: files of this package. It goes after keepalived/daemon.sh, and
# virtual-service/observe.sh.

told_blocks=' '

# Those that its configuration includes, also without a record; and those of records, also where it does not
# run or include them. Nothing is asked of keepalived itself.
tell_more() {
  local file=''
  find_daemon || return 1
  case $daemon in *' '*) ;; *) tell_included "$conf" .... ;; esac
  sed -n 's/^keepalived \//\//p' "$registry"/owners/* 2>/dev/null | while read -r file; do
    [ ! -f "$file" ] || tell_block "$file"
  done
}

tell_included() { # CONF DEPTH: a dot for each level that is left
  local pattern='' one=''
  [ -f "$1" ] && [ -r "$1" ] || return 0
  read_first "$1" one
  case $one in '# pulumi-lvs-dr keepalived '*) tell_block "$1" ;; esac
  [ "$2" != . ] || return 0
  while read -r pattern; do
    for one in $pattern; do tell_included "$one" "${2#.}"; done
  done <<END
$(inclusions "$1")
END
}

tell_block() { # FILE: once
  case $told_blocks in *" $1 "*) return 0 ;; esac
  case $1 in *' '*) return 0 ;; esac
  told_blocks="$told_blocks$1 "
  echo "keepalived-block $1"
  prefix "keepalived-text $1" <"$1"
}
