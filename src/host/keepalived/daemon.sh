# The keepalived that runs, and what its configuration includes.

tools="$tools tr"

daemon=''   # the process of keepalived that started its others; several where there are several
conf=''     # its configuration
terms=''    # options that say which parts of that are meant for it
unfit=''    # why it cannot be told of services, a word
is_asked='' # yes for one that is only asked something
options_of='' # whose command line these are of
cut_short='a search for it was ended by a signal; try again'

# Those that only look at a configuration, as people do in checks of their own, keep nothing.
find_daemon() { # $daemon, and of one what it was started with; fails where a search was ended by a signal
  local pid='' parent=''
  daemon='' conf=/etc/keepalived/keepalived.conf unfit='' options_of=''
  find_keepalived || return 1
  for pid in $keepalived; do
    { IFS= read -r parent <"/proc/$pid/stat"; } 2>/dev/null || continue
    parent=${parent##*) ? } # its name, between brackets, may have blanks
    parent=${parent%% *}
    ! is_listed "$parent" "$keepalived" || continue
    read_options "$pid" || return 1
    [ -n "$is_asked" ] || daemon="${daemon:+$daemon }$pid"
  done
  ! is_alone || find_conf
}

is_alone() {
  case $daemon in '' | *' '*) return 1 ;; esac
}

# A name that is relative is one where it was started; a build of somebody's own has another default.
find_conf() {
  local other=''
  [ "$options_of" = "$daemon" ] || read_options "$daemon" || return 1
  case $conf in
    '')
      conf=/etc/keepalived/keepalived.conf
      [ -e "$conf" ] || other=$("/proc/$daemon/exe" -h 2>&1 7>&- 9>&- | sed -n "s/.*--use-file=.*(default '\(\/.*\)').*/\1/p")
      conf=${other:-$conf}
      ;;
    /*) ;;
    *) conf=/proc/$daemon/cwd/$conf && return 0 ;;
  esac
  # In a container it reads files of its own.
  [ ! -e "/proc/$daemon/root$conf" ] || [ "/proc/$daemon/root$conf" -ef "$conf" ] || unfit=elsewhere
}

# getopt_long's words: letters may stand together, and an argument in the word of its letter.
read_options() { # PID: $conf, $terms, $unfit and $is_asked
  local word='' letters='' due='' words=''
  conf='' terms='' unfit='' is_asked='' options_of=$1
  words=$(tr '\000' '\n' 2>/dev/null <"/proc/$1/cmdline") || was_not_killed $? || return 1
  while IFS= read -r word; do
    letters=''
    case $due:$word in
      f:* | i:*) letters=$due$word ;;
      ?:*) ;;
      :--use*=*) letters=f${word#*=} ;;
      :--use*) letters=f ;;
      :--config-i*=*) letters=i${word#*=} ;;
      :--config-i*) letters=i ;;
      :--vrrp) letters=P ;;
      :--config-t* | :--version | :--help) letters=t ;;
      :--*=*) ;;
      :--pid | :--vrrp_* | :--checkers_* | :--bfd_* | :--log-fac* | :--umask | :--snmp-* | :--names* | :--signum | :--config-f*) letters=p ;;
      :--*) ;;
      :-*) letters=${word#-} ;;
    esac
    due=''
    while [ -n "$letters" ]; do
      case $letters in
        [fiuSprcbsA]) due=$letters ;;
        f*) conf=${letters#f} ;;
        i*) terms="-i ${letters#i}" ;;
        P*) unfit=vrrp ;;
        [tvh]*) is_asked=yes ;;
      esac
      case $letters in [fiuSprcbsAMgt]*) letters='' ;; *) letters=${letters#?} ;; esac
    done
  done <<END
$words
END
}

# As keepalived reads it: patterns of names, relative to the file that they stand in, and without quotes.
# Lines that are for some configuration ids only count for all.
inclusions() { # FILE: what it includes, a pattern a line
  local word='' one='' more=''
  [ -f "$1" ] && [ -r "$1" ] || return 0
  while read -r word one more || [ -n "$word" ]; do
    case $word in @*) word=$one one=${more%%[[:space:]]*} ;; esac
    one=${one%[[:cntrl:]]}
    case $word:$one in
      include:/* | include[rmwba]:/*) each_brace "$one" ;;
      include:?* | include[rmwba]:?*) each_brace "${1%/*}/$one" ;;
    esac
  done <"$1"
}

each_brace() { # PATTERN: with each of what it has between braces
  local before="${1%%\{*}" list='' after=''
  case $1 in
    *\{*\}*)
      after=${1#*\{}
      list=${after%%\}*},
      after=${after#*\}}
      while [ -n "$list" ]; do
        each_brace "$before${list%%,*}$after"
        list=${list#*,}
      done
      ;;
    *) printf '%s\n' "$1" ;;
  esac
}
