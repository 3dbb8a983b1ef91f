# What an operation runs on a host: one shell, the same under dash, bash and busybox ash.
#
#   sh -c "$program" lvs-dr NONCE MODE SECONDS SESSION UNTIL HOLDER [WORD...]
#
# MODE      look: no lock, nothing settled; share: a reader, which is asked nothing more; hold: a writer
# SECONDS   what is left of the operation; after that the watchdog undoes
# SESSION   $SSH_CONNECTION of the login shell (sudo empties the environment)
# UNTIL     the time of day at which SECONDS are over: a host would need a process to tell it
# HOLDER    who we are, for those who have to wait for our lock
# WORD      what the first observation is asked about
#
# The first answer is an observation. Then each line on stdin is a request, which has one answer. Until
# `commit`, the journal on disk says how everything is undone, and undone it is on end of stdin, HUP,
# TERM, a failing verb, an answer that cannot be written, and the deadline. docs/reference/protocol.md
# has the grammar of all that.
#
# The core's parts go first and know no kind of host; then a kind's, which have:
#
#   registry        the folder of its records
#   keeps           files beside owners/ that keep the folder from going
#   service         of its program at boot, if there is one; runlevel: OpenRC's for it; outcome: the file in
#                   which that reports
#   tools           commands that it needs besides the core's
#   verbs           functions that requests may call besides the core's; those that change something, and what
#                   no undo needs, may come with the request that calls them
#   questions       functions whose output `more` puts into an answer
#   steps           first words of its lines in a journal
#   know_tools      WORD...: what its tools tell, before each observation; fails where they cannot
#   know_files      WORD...: what it finds out once, under the lock
#   observation     WORD...: says what the host is like, line by line; unobserved: that it cannot be told
#   undo_steps      undoes its lines of the journal, in the order that is right for it; sets stuck and held
#   is_left, settle_left, let_go   where its operations wait without the lock: see core/lock.sh
#   is_spared       old|new NAME: a file that is not undone like others; undoes it, or leaves it
#
# What a trap reads or sets is never local: shells show a trap the locals of what it interrupts.

set -u
umask 077
blanks=$IFS
LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export LC_ALL PATH

nonce=$1 mode=$2 seconds=$3 session=$4 until=$5 holder=$6
shift 6

journal=$registry/journal
leftovers="$registry/undo $registry/new $registry/replay.new" # of an operation that is over

# Requests come on 8; children must never read them, nor write into an answer. The lock is on 9.
exec 8<&0 </dev/null

# Undo what this session did, if it did not commit.
roll_back() {
  held=''
  [ -z "$begun" ] || undo_own
}

die() {
  trap '' HUP INT TERM
  # bash runs a trap inside of the `IFS= read` that it interrupts, and with that IFS.
  IFS=$blanks
  set +f
  umask 077
  roll_back
  leave
  unwatch
  exit 1
}

check_host() {
  local missing='' tool='' key='' uid=''
  for tool in $tools flock sha256sum chmod cp ln mkdir mv rm rmdir sleep sync; do
    command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
  done
  [ -z "$missing" ] || refuse unsupported "missing$missing"
  while read -r key _ uid _; do [ "$key" != Uid: ] || break; done </proc/self/status
  [ "$uid" = 0 ] || refuse privilege "uid $uid"
  [ -n "$session" ] || refuse unsupported "no SSH_CONNECTION"
  know_init
}

refuse() { # STATUS TEXT
  body=$2
  reply "$1"
  exit 1
}

lock() {
  case $mode in
    look) ;;
    share) lock_to_read ;;
    hold) lock_to_write ;;
  esac || return 1
  # A reader ends with its first answer, whether or not its client is still there.
  [ "$mode" = share ] && [ "$locked" != -x ] || watch
}

greet() { # WORD...: the first answer
  if first_look "$@"; then
    reply ok || die
    return
  fi
  body=${busy:-$failure}
  if [ -n "$busy" ]; then reply busy; else reply failed; fi
  die
}

first_look() { # WORD...
  lock || return 1
  know_files "$@"
  observe "$@" || return 1
  # A writer came in after this reader had found nothing to lock: what was seen may be undone yet.
  [ "$mode:$locked" != share: ] || [ ! -e "$registry/lock" ] || { lock && observe "$@" || return 1; }
  [ "$locked" != -s ] || exec 9<&-
}

serve() {
  local request=''
  while IFS= read -r request <&8; do
    failure='' body=''
    case $request in 'packed '*) unpack request ;; esac
    if is_request "$request" && eval "$request"; then
      reply ok || die
      continue
    fi
    body=$failure
    if roll_back; then
      body="$body${held:+; $held}"
      reply rolled-back || die
    else
      body="$body; $failure"
      reply stuck || die
    fi
  done
}

unpack() { # NAME: of the variable; what is damaged is empty then, by gzip's own checksum
  local _text=''
  eval "_text=\${$1#packed }"
  _text=$(printf %s "$_text" | base64 -d | gzip -dc) || _text=''
  eval "$1=\$_text"
} 2>/dev/null

trap '' PIPE
trap die HUP INT TERM
check_host
deadline=0
time_over
deadline=$((now + seconds))
greet "$@"
[ "$mode" = share ] || serve
die
