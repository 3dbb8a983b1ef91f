# What keepalived knows of its checks, which nothing but data of its own says. It goes after
# keepalived/observe.sh, where that is to be asked.

looks=15 # for what keepalived is to write, a fifth of a second apart

# On SIGUSR1 its checker makes a new file, gives it the name of the last one, and then writes it
# (fopen_safe); under systemd in a /tmp of its own. The last one is held open here, so that no later one has
# its inode. All real servers are before the heading of the checkers.
tell_checks() { # SELECTOR FILE [ask]
  local folder='' data='' tries=0
  [ "${3-}" = ask ] && is_alone && [ -e "$2" ] || return 0
  folder=$(tr '\000' '\n' <"/proc/$daemon/environ" | sed -n 's/^TMPDIR=\//\//p')
  folder=/proc/$daemon/root${folder:-/tmp}
  data=$folder/keepalived_check.data
  is_safe "$folder" || return 0
  { is_safe "$data" && command exec 5<"$data"; } 2>/dev/null || command exec 5</dev/null
  kill -USR1 "$daemon" 2>/dev/null || return 0
  until is_safe "$data" && [ ! "$data" -ef /proc/self/fd/5 ] && grep -q '^------< Health checkers' "$data"; do
    tries=$((tries + 1))
    [ "$tries" -lt "$looks" ] || return 0
    sleep 0.2 2>/dev/null 7>&- 9>&- || sleep 1 7>&- 9>&-
  done
  echo keepalived-asked
  tell_checked "$1" "$data" | prefix keepalived-check
}

# The folder is anybody's: what is root's there cannot be exchanged by others, and no link is followed.
is_safe() { # PATH
  local kind='' owner=''
  read -r kind _ owner _ <<END
$(ls -ldn "$1" 2>/dev/null)
END
  [ "$owner" = 0 ] && case $kind in -* | d????????[tT]* | d????-??-*) ;; *) false ;; esac
}

# Of blocks with the service's address and port, or mark: what they are, and their real servers.
tell_checked() { # SELECTOR DATA
  local subject="${1#-? }" port=''
  case $1 in
    '-f '*) subject="FWMARK = ${subject% -6}" ;;
    *)
      port=${subject##*:} subject=${subject%:*} subject=${subject#[}
      subject="VIP = ${subject%]}, VPORT = $port"
      ;;
  esac
  sed -n "/^ VS $subject\$/,/^ \{0,1\}------</{s/^ *//;/^VS /p;/^Address family = /p;/^protocol = /p;/^RIP = /p;/^alive = /p;}" "$2"
}
