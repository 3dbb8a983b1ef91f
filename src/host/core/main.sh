# shellcheck shell=sh disable=SC2015,SC2034,SC2154,SC2317
# SC2015: `a && b || c` is meant, c sees both. SC2317: verbs are called by requests. SC2034, SC2154:
# parts share variables.
#
# What runs on the real server: one shell for one operation, real POSIX sh (dash, bash, busybox ash).
# kernel.sh, registry.sh, observe.sh and questions.sh go before it; scripts.ts puts them together.
#
#   sh -c "$program" lvs-dr NONCE MODE SECONDS SESSION HOLDER [VIP...]
#
# MODE      look: no lock, nothing settled; share: a reader; hold: a writer
# SECONDS   what is left of the operation; after that the watchdog undoes
# SESSION   $SSH_CONNECTION of the login shell (sudo empties the environment)
# HOLDER    who we are, for those who have to wait for our lock
#
# The first answer is an observation. Then each line on stdin is a request: verb calls joined by &&.
# An answer is "NONCE begin", a body, and "NONCE STATUS SHA256-OF-THE-BODY". Until `commit`, the
# journal on disk says how everything is undone, and undone it is on end of stdin, HUP, TERM, a
# failing verb, an answer that cannot be written, and the deadline.

set -u
umask 077
blanks=$IFS
LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export LC_ALL PATH

nonce=$1 mode=$2 seconds=$3 session=$4 holder=$5
shift 5

watchdog='' # its process id, while it watches
begun=''    # yes once the journal is ours
body=''     # of the answer to come
unsynced='' # files and folders that are to be on disk before the journal goes
touched=''  # yes where what a boot runs changes

# Requests come on 8; children must never read them, nor write into an answer. The lock is on 9.
exec 8<&0 </dev/null

# ---------------------------------------------------------------- answers

reply() { # STATUS
  sum=$(feed "$body" sha256sum)
  printf '%s begin\n%s\n%s %s %s\n' "$nonce" "$body" "$nonce" "$1" "${sum%% *}"
}

note() { # TEXT: progress, between answers
  printf '%s note %s\n' "$nonce" "$1"
}

warn() { # TEXT: what people should still see when the operation is over
  printf '%s warning %s\n' "$nonce" "$1"
}

observe() { # VIP...: the body of the answer is what the host is like now
  body=$(observation "$@") || fail "the addresses or the registry in $registry cannot be read"
}

# ---------------------------------------------------------------- the lock

lock_to_read() {
  [ -e "$registry/lock" ] || return 0
  take_lock -s || return 1
  recognise_strangers
  # A journal under a lock that could be had is a dead operation's: settle it before reading.
  [ -e "$journal" ] && [ -z "$strangers" ] || return 0
  exec 9<&-
  lock_to_write
}

lock_to_write() {
  take_lock -x || return 1
  time_over
  ends=$((($(date +%s) + deadline - now) % 86400))
  { printf '%s, at most until %02d:%02d:%02dZ\n' "$holder" $((ends / 3600)) $((ends / 60 % 60)) $((ends % 60)) >"$registry/lock"; } 2>/dev/null
  [ -n "$strangers" ] || recognise_strangers
  [ -n "$strangers" ] || settle
}

set_aside() {
  warn "the other machine's registry is set aside in $registry/aside, until the last owner goes" || exit 1
  rm -rf "$registry/aside"
  mkdir "$registry/aside" || { fail "$registry/aside cannot be made"; return 1; }
  for file in owners saved machine journal; do
    [ ! -e "$registry/$file" ] || mv "$registry/$file" "$registry/aside/" || { fail "$registry/$file cannot be set aside"; return 1; }
  done
  mkdir "$registry/owners" && strangers='' || fail "$registry/owners cannot be made"
}

# ---------------------------------------------------------------- verbs that write, each journalled ahead

# Only files are synced: in another boot addresses and sysctls are void anyway, and what a killed shell
# wrote is still in the page cache. The journal is on disk before the first file changes, and every file
# before the journal goes; what a power cut leaves between is undone, whatever of it is on disk.
begin() { # "GUARD..." FILE...: VIPs under which no sysctl may go back, files that will change
  begun=yes guard=$1 touched='' kept='' entries='' unsynced=''
  shift
  [ -z "$strangers" ] || set_aside || return 1
  clear_leftovers || { fail "$registry/undo cannot be removed"; return 1; }
  read_first /proc/sys/kernel/random/boot_id
  # shellcheck disable=SC2086 # none of our paths has a blank
  keep_old "$@" && write_journal >"$registry/new" && durable "$registry/new" $kept &&
    mv "$registry/new" "$journal" && durable "$registry" ||
    fail "the journal $journal cannot be written (is the disk full or read-only?)"
} 2>/dev/null

keep_old() { # NAME...: $entries for the journal, and a copy for the undo of each file that is there
  for name in "$@"; do
    path_of "$name" || return 1
    case $name in boot/*) touched=yes ;; esac
    if [ -e "$path" ] || [ -L "$path" ]; then
      copy=$registry/undo/$name
      make_folder "${copy%/*}" && cp -pP "$path" "$copy" || return 1
      kept="$kept $copy ${copy%/*} $registry/undo" was=old
    else
      was=new
    fi
    entries="${entries}file $was $name
"
  done
}

write_journal() {
  printf 'lvs-dr-journal 1\nboot %s\nby %s\n' "$value" "$holder" || return 1
  for vip in $guard; do echo "guard $vip" || return 1; done
  printf '%s' "$entries"
}

log_step() { # TEXT: ahead of the step
  { printf '%s\n' "$1" >>"$journal"; } 2>/dev/null || fail "the journal $journal cannot be written (is the disk full?)"
}

put() { # NAME LINE...: a file of ours, whole or not at all
  path_of "$1" || return 1
  name=$1
  shift
  make_folder "${path%/*}" 022 && case $name in
    boot/link) problem=$(ln -sfn "$unit" "$path" 2>&1) ;; # as `systemctl enable` and `rc-update add` do
    *) write_aside "$@" && problem=$(mv "$aside" "$path" 2>&1) && unsynced="$unsynced $path" ;;
  esac || { fail "$path cannot be written: $problem"; return 1; }
  unsynced="$unsynced ${path%/*}"
}

write_aside() { # LINE...: the second try is for its words
  { printf '%s\n' "$@" >"$aside"; } 2>/dev/null || problem=$( (printf '%s\n' "$@" >"$aside") 2>&1) || return 1
  [ "$permissions" = 600 ] || chmod "$permissions" "$aside" || return 1
  # Those a boot runs before it undoes anything.
  case $name in replay | boot/*) durable "$aside" ;; esac
}

drop() { # NAME: a file of ours
  path_of "$1" || return 1
  problem=$(rm -f "$path" 2>&1) || { fail "$path cannot be removed: $problem"; return 1; }
  unsynced="$unsynced ${path%/*}"
}

sysctl() { # INTERFACE KEY OLD NEW
  read_first "$ipv4/$1/$2"
  [ "$value" = "$3" ] || { fail "$2 of $1 is $value and was $3 a moment ago: somebody else is changing it"; return 1; }
  log_step "sysctl $1 $2 $3 $4" || return 1
  { echo "$4" >"$ipv4/$1/$2"; } 2>/dev/null
  read_first "$ipv4/$1/$2"
  [ "$value" = "$4" ] || fail "$2 of $1 is $value after writing $4"
}

# Steps of one family: "bound PREFIX SCOPE VALID PREFERRED LABEL", "unbound ..." alike.
addresses() { # FAMILY STEP...
  family=$1
  shift
  lines=''
  for step in "$@"; do
    log_step "${step%% *} $family ${step#* }" || return 1
    address_command "$step"
    lines="${lines:+$lines
}$line"
  done
  run_batch "$family" "$lines" && return
  number=0 culprit=''
  for step in "$@"; do
    number=$((number + 1))
    rest=${step#* }
    [ "$number" != "$failed_at" ] || { culprit=${rest%% *} && ! may_be_taken || continue; }
    [ -z "$culprit" ] || log_step "void ${step%% *} $family ${rest%% *}" || return 1
  done
  fail "ip: $problem${culprit:+ (at $culprit)}"
}

commit() { # the one moment at which the operation counts
  problem='sync failed'
  # shellcheck disable=SC2086 # none of our paths has a blank
  { [ -z "$unsynced" ] || durable $unsynced; } 2>/dev/null &&
    problem=$(rm "$journal" 2>&1) && durable "$registry" || { fail "cannot commit: $problem"; return 1; }
  committed=yes
  begun='' # nothing to undo from here on; and after tidy, a journal would be somebody else's
  tidy     # before the answer: whoever is told that it is done finds no folder either
  [ -z "$touched" ] || tell_init
  body=committed
}

# ---------------------------------------------------------------- the watchdog

# From the lock on: a client that stalls must not keep it. It holds the lock itself, so that nobody
# else comes in before it has undone what a killed shell did; and none of the channel's descriptors,
# or sshd would never close the session.
watch() {
  (
    nap=''
    trap '' HUP INT PIPE
    trap '[ -z "$nap" ] || kill "$nap"; exit' TERM
    until time_over || orphaned; do doze; done
    for _ in 1 2 3 4 5; do orphaned || { kill -TERM $$ && doze; }; done
    orphaned || kill -KILL $$
    lock_is_current || exit
    [ ! -e "$journal" ] || undo
    tidy
  ) 8<&- </dev/null >/dev/null 2>&1 &
  watchdog=$!
}

# The shell is gone. Not kill -0: a zombie still has its number, and later somebody else may.
orphaned() {
  read -r _ _ _ parent _ </proc/self/stat
  [ "$parent" != $$ ]
}

doze() { # its sleep does not hold the lock: an orphan would keep it
  sleep 1 9>&- &
  nap=$!
  wait "$nap"
  nap=''
}

# CONT: one that is stopped could not end. Once it is gone, the lock is ours alone.
unwatch() {
  [ -n "$watchdog" ] || return 0
  kill -TERM "$watchdog" && kill -CONT "$watchdog"
  wait "$watchdog"
  watchdog=''
} 2>/dev/null

# ---------------------------------------------------------------- the conversation

# Undo what this session did, if it did not commit.
roll_back() {
  held=''
  [ -n "$begun" ] && [ -e "$journal" ] || return 0
  undo
}

die() {
  trap '' HUP INT TERM
  # bash runs a trap inside of the `IFS= read` that it interrupts, and with that IFS.
  IFS=$blanks
  set +f
  roll_back
  tidy
  unwatch
  exit 1
}

check_host() {
  missing=''
  for tool in ip flock sha256sum chmod cp date grep ln mkdir mv rm rmdir sleep sync; do
    command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
  done
  [ -z "$missing" ] || { body="missing$missing" && reply unsupported; exit 1; }
  while read -r key _ uid _; do [ "$key" != Uid: ] || break; done </proc/self/status
  [ "$uid" = 0 ] || { body="uid $uid" && reply privilege; exit 1; }
  [ -n "$session" ] || { body="no SSH_CONNECTION" && reply unsupported; exit 1; }
  know_ip
  know_init
}

lock() {
  case $mode in
    look) ;;
    share) lock_to_read ;;
    hold) lock_to_write ;;
  esac || return 1
  [ -z "$locked" ] || watch
}

greet() { # VIP...: the first answer
  if first_look "$@"; then
    reply ok || die
    return
  fi
  body=${busy:-$failure}
  if [ -n "$busy" ]; then reply busy; else reply failed; fi
  die
}

first_look() { # VIP...
  lock || return 1
  know_sysctl_files
  observe "$@" || return 1
  # A writer came in after this reader had found nothing to lock: what was seen may be undone yet.
  [ "$mode:$locked" != share: ] || [ ! -e "$registry/lock" ] || { lock && observe "$@"; }
}

serve() {
  while IFS= read -r request <&8; do
    failure='' body=''
    if eval "$request"; then
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

trap '' PIPE
trap die HUP INT TERM
check_host
deadline=0
time_over
deadline=$((now + seconds))
greet "$@"
serve
die
