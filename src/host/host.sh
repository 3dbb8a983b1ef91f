# shellcheck shell=sh disable=SC2015,SC2317,SC3013
# SC2015: `a && b || c` is meant, c sees both. SC2317: verbs are called by requests. SC3013: -ef is
# in dash, bash and ash.
#
# What runs on the real server: one shell for one operation, real POSIX sh (dash, bash, busybox ash).
#
#   sh -c "$host_sh" lvs-dr NONCE MODE SECONDS SESSION HOLDER [VIP...]
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

registry=/var/lib/lvs-dr
journal=$registry/journal
ipv4=/proc/sys/net/ipv4/conf
watchdog='' # its process id, while it watches
locked=''   # -s or -x: the lock that we have
strangers='' # yes while the registry on disk is another machine's
committed='' # yes from the commit on
begun=''    # yes once the journal is ours
failure=''  # why the current request failed
busy=''     # who holds the lock that could not be had
body=''     # of the answer to come

# Requests come on 8; children must never read them, nor write into an answer. The lock is on 9.
exec 8<&0 </dev/null

# ---------------------------------------------------------------- answers

reply() { # STATUS
  sum=$(printf '%s\n' "$body" | sha256sum)
  printf '%s begin\n%s\n%s %s %s\n' "$nonce" "$body" "$nonce" "$1" "${sum%% *}"
}

note() { # TEXT: progress, between answers
  printf '%s note %s\n' "$nonce" "$1"
}

warn() { # TEXT: what people should still see when the operation is over
  printf '%s warning %s\n' "$nonce" "$1"
}

fail() { # TEXT: a verb's failure
  failure=$1
  return 1
}

# Goes by the time since boot: on a fresh machine the time of day may jump by hours.
time_over() {
  read -r now _ </proc/uptime
  now=${now%.*}
  [ "$now" -ge "$deadline" ]
}

# ---------------------------------------------------------------- what the host is like

read_first() { # FILE: its first line in $value, or "-"
  value=-
  { IFS= read -r value <"$1"; } 2>/dev/null || [ -n "$value" ] || value=-
}

observe_identity() {
  read_first /proc/sys/kernel/random/boot_id
  echo "boot $value"
  read_identity
  echo "machine $machine_id"
  echo "product $product_uuid"
}

read_identity() {
  read_first /etc/machine-id
  [ "$value" != - ] || read_first /var/lib/dbus/machine-id
  machine_id=${value:--}
  read_first /sys/class/dmi/id/product_uuid
  product_uuid=${value:--}
}

# Flags and hardware type come from sysfs: no process a NIC, and a container host has hundreds.
observe_nics() {
  for conf in "$ipv4"/*; do
    name=${conf##*/}
    read_first "$conf/arp_ignore" && ignore=$value
    read_first "$conf/arp_announce" && announce=$value
    read_first "$conf/rp_filter" && rp_filter=$value
    read_first "/sys/class/net/$name/flags" && flags=$value
    wire=wired
    if [ -d "/sys/class/net/$name/bridge" ]; then
      wire=portless
      for port in "/sys/class/net/$name/brif"/*; do [ ! -e "$port" ] || wire=wired; done
    fi
    printf 'conf %s %s %s %s %s %s\n' "$ignore" "$announce" "$rp_filter" "$flags" "$wire" "$name"
  done
}

observe_ipv6() {
  read_first /proc/sys/net/ipv6/conf/lo/disable_ipv6
  echo "ipv6-disabled $value"
  for file in /proc/sys/net/ipv6/conf/*/proxy_ndp; do
    read_first "$file"
    [ "$value" != 1 ] || { name=${file%/proxy_ndp} && printf 'proxy-ndp %s\n' "${name##*/}"; }
  done
  if [ "$flavour" = iproute2 ]; then
    ip -6 neigh show proxy 2>/dev/null | prefix proxied
  fi
}

observe_routes() { # VIP...
  peer=${session%% *}
  {
    ip route show default
    ip -6 route show default
  } 2>/dev/null | prefix default
  ip -o route get "$peer" 2>/dev/null | prefix session-route
  if [ "$flavour" = iproute2 ]; then
    for vip in "$@"; do echo "route get $vip"; done | ip -force -batch - 2>/dev/null | prefix route
  else
    for vip in "$@"; do ip route get "$vip" 2>/dev/null; done | prefix route
  fi
}

observe_registry() {
  [ -d "$registry" ] && [ -z "$strangers" ] || return 0
  echo "registry"
  for file in "$registry"/owners/* "$registry/saved" "$registry/machine" "$journal"; do
    [ -f "$file" ] || continue
    lines=$(prefix "file ${file#"$registry/"}" <"$file") || return 1
    # Empty, or all zeros after a crash: told, too, so that it does not pass for none.
    printf '%s\n' "${lines:-file ${file#"$registry/"} }"
  done
}

observe_contradictions() {
  for file in /etc/sysctl.conf /etc/sysctl.d/*.conf /run/sysctl.d/*.conf \
    /usr/local/lib/sysctl.d/*.conf /usr/lib/sysctl.d/*.conf /lib/sysctl.d/*.conf; do
    [ -f "$file" ] || continue
    number=0
    while IFS= read -r line || [ -n "$line" ]; do
      number=$((number + 1))
      case $line in
        '#'* | ';'*) ;;
        *arp_ignore* | *arp_announce*) printf 'sysctl-file %s %s %s\n' "$number" "$file" "$line" ;;
      esac
    done <"$file"
  done
}

prefix() { # WORD: before each line of stdin
  while IFS= read -r line || [ -n "$line" ]; do printf '%s %s\n' "$1" "$line"; done
}

writable() { # FILE: can it be opened for writing? (test -w says yes to root on a read-only mount)
  (: >>"$1") 2>/dev/null
}

observation() { # VIP...
  addresses=$(ip -o addr show) || return 1
  echo "lvs-dr-observation 1"
  printf 'session %s\n' "$session"
  echo "ip $flavour"
  observe_identity
  printf '%s\n' "$addresses" | prefix addr
  observe_nics
  writable "$ipv4/all/arp_ignore" && echo "sysctl-writable yes" || echo "sysctl-writable no"
  observe_ipv6
  observe_routes "$@"
  [ ! -r /proc/net/ip_vs ] || prefix service </proc/net/ip_vs
  read_first /proc/sys/net/ipv4/ip_forward
  echo "ip-forward $value"
  observe_contradictions
  observe_registry || return 1
  echo "end"
}

observe() { # VIP...: the body of the answer is what the host is like now
  body=$(observation "$@") || fail "the addresses or the registry in $registry cannot be read"
}

# ---------------------------------------------------------------- the lock

take_lock() { # -s | -x
  attempts=0
  until open_lock "$1" && wait_for_lock "$1" && lock_is_current; do
    [ -z "$failure" ] || return 1
    # A reader whose registry has just gone needs no lock.
    [ "$1" = -x ] || [ -e "$registry/lock" ] || return 0
  done
  locked=$1
}

# `command`: a redirection that fails on a bare exec would end dash.
open_lock() { # -s | -x
  if [ "$1" = -s ]; then
    command exec 9<"$registry/lock" && return
    [ ! -e "$registry/lock" ] || fail "$registry/lock cannot be opened"
    return 1
  fi
  problem=$(mkdir -p "$registry" 2>&1) && command exec 9>>"$registry/lock" && return
  # It may be that the last owner was just removing the folder: not for long.
  attempts=$((attempts + 1))
  [ "$attempts" -lt 5 ] || fail "${problem:-$registry/lock cannot be opened for writing}"
  return 1
} 2>/dev/null

wait_for_lock() { # -s | -x: busybox's flock has no time limit of its own
  waited=''
  until flock -n "$1" 9; do
    read_first "$registry/lock"
    [ "$value" != - ] || value="an inspection"
    [ -n "$waited" ] || note "waiting for the lock held by $value" || exit 1
    waited=$value
    ! time_over || { busy=$value && fail busy; return 1; }
    sleep 0.2 2>/dev/null || sleep 1
  done
}

# The path must still be the file that we locked: the last owner removes the folder.
lock_is_current() {
  [ /proc/self/fd/9 -ef "$registry/lock" ]
}

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
  ends=$(date -u -d "@$(($(date +%s) + deadline - now))" +%H:%M:%SZ)
  { printf '%s, at most until %s\n' "$holder" "$ends" >"$registry/lock"; } 2>/dev/null
  problem=$(mkdir -p "$registry/owners" 2>&1) || { fail "$problem"; return 1; }
  [ -n "$strangers" ] || recognise_strangers
  [ -n "$strangers" ] || settle
}

# A registry that came with a clone's image says nothing about this machine: it is as if there were
# none, and the first operation that writes sets it aside.
recognise_strangers() {
  [ -f "$registry/machine" ] || return 0
  read_identity
  while read -r key value; do
    case $key in
      machine-id) theirs=$machine_id ;;
      product-uuid) theirs=$product_uuid ;;
      *) continue ;;
    esac
    # One that is damaged says nothing of whose it is, and the reader of records refuses it.
    case $value:$theirs in
      :* | *[!0-9a-zA-Z-]*:* | -:* | *:- | "$theirs:$value") ;;
      *) strangers=yes ;;
    esac
  done <"$registry/machine"
  [ -z "$strangers" ] || warn "the registry on this host belongs to another machine (a clone?), and says nothing about this one" || exit 1
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

# The last one out leaves nothing behind. The lock goes last: once it is gone, others may be in.
tidy() {
  [ "$locked" = -x ] && lock_is_current || return 0
  : >"$registry/lock" # nobody's any more
  [ -z "$strangers" ] && [ ! -e "$journal" ] || return 0
  rm -rf "$registry/undo" "$registry/new"
  [ ! -e "$registry/saved" ] || return 0
  for file in "$registry"/owners/*; do [ ! -e "$file" ] || return 0; done
  # What was set aside goes with an owner that leaves, not with an operation that failed.
  [ -n "$committed" ] || [ ! -e "$registry/aside" ] || return 0
  rm -rf "$registry/aside" "$registry/machine" "$registry/owners"
  rm -f "$registry/lock" && rmdir "$registry"
} 2>/dev/null

# ---------------------------------------------------------------- files

durable() { # FILE...: on disk, not only in memory; an old sync takes no names
  sync "$@" 2>/dev/null || sync
}

put() { # NAME LINE...: a file of the registry, whole or not at all
  name=$1
  shift
  problem=$( (printf '%s\n' "$@" >"$registry/new") 2>&1) && durable "$registry/new" &&
    problem=$(mv "$registry/new" "$registry/$name" 2>&1) &&
    durable "$registry" "$registry/owners" ||
    fail "$registry/$name cannot be written: $problem"
}

drop() { # NAME: a file of the registry
  problem=$(rm -f "$registry/$1" 2>&1) && durable "$registry" "$registry/owners" ||
    fail "$registry/$1 cannot be removed: $problem"
}

# ---------------------------------------------------------------- the journal and its undoing

# Only file steps are synced: in another boot addresses and sysctls are void anyway, and what a
# killed shell wrote is still in the page cache.
begin() { # "GUARD..." FILE...: VIPs under which no sysctl may go back, files that will change
  begun=yes guard=$1
  shift
  [ -z "$strangers" ] || set_aside || return 1
  rm -rf "$registry/undo" && mkdir -p "$registry/undo/owners" || { fail "$registry/undo cannot be made"; return 1; }
  read_first /proc/sys/kernel/random/boot_id
  (
    printf 'lvs-dr-journal 1\nboot %s\nby %s\n' "$value" "$holder" || exit 1
    for vip in $guard; do echo "guard $vip" || exit 1; done
    for file in "$@"; do keep_old "$file" || exit 1; done
  ) >"$registry/new" && durable "$registry/new" "$registry/undo" "$registry/undo/owners" &&
    mv "$registry/new" "$journal" && durable "$registry" ||
    fail "the journal $journal cannot be written (is the disk full or read-only?)"
} 2>/dev/null

keep_old() { # NAME: a copy for the undo, and its line in the journal
  if [ -e "$registry/$1" ]; then
    cp -p "$registry/$1" "$registry/undo/$1" && durable "$registry/undo/$1" && echo "file old $1"
  else
    echo "file new $1"
  fi
}

log_step() { # TEXT: ahead of the step
  { printf '%s\n' "$1" >>"$journal"; } 2>/dev/null || fail "the journal $journal cannot be written (is the disk full?)"
}

commit() { # the one moment at which the operation counts
  problem=$(rm "$journal" 2>&1) && durable "$registry" || { fail "cannot commit: $problem"; return 1; }
  committed=yes
  begun='' # nothing to undo from here on; and after tidy, a journal would be somebody else's
  tidy     # before the answer: whoever is told that it is done finds no folder either
  body=committed
}

settle() { # what an operation that died left behind
  [ -e "$journal" ] || return 0
  note "undoing an operation that was cut off" || exit 1
  undo && { [ -z "$held" ] || warn "$held" || exit 1; }
}

# Newest step first, in the order in which no VIP is ever bound without its sysctls: what was
# loosened is tightened, addresses go or come back, what was tightened is loosened, files. What
# cannot be undone keeps the journal, and the next operation tries again.
undo() {
  stuck='' held='' void=' '
  read_first /proc/sys/kernel/random/boot_id
  this_boot=no
  while read -r key word rest; do [ "$key" != boot ] || [ "$word" != "$value" ] || this_boot=yes; done <"$journal"
  if [ "$this_boot" = yes ]; then
    undo_rest undo_loosening <"$journal"
    [ -n "$stuck" ] || undo_rest undo_address <"$journal"
    [ -n "$stuck" ] || check_addresses <"$journal"
    [ -n "$stuck" ] || undo_rest undo_tightening <"$journal"
  fi
  [ -n "$stuck" ] || undo_rest undo_file <"$journal"
  [ -z "$stuck" ] || { fail "$stuck ($journal is kept, and the next operation tries again)"; return 1; }
  rm -f "$journal" && durable "$registry" || { fail "$journal cannot be removed"; return 1; }
  rm -rf "$registry/undo"
}

undo_rest() { # FUNCTION: on each line of stdin, last line first; it finds the line in $line, too
  IFS= read -r entry || return 0
  set -- "$1" "$entry"
  undo_rest "$1"
  line=$2
  # shellcheck disable=SC2086 # fields, by design; nothing globs: set -f
  set -f && "$1" $2
  set +f
}

# sysctl INTERFACE KEY OLD NEW
undo_loosening() {
  [ "$1" = sysctl ] && is_silent "$3" "$4" || return 0
  undo_sysctl "$@"
}

undo_tightening() {
  [ "$1" = sysctl ] && ! is_silent "$3" "$4" || return 0
  undo_sysctl "$@"
}

is_silent() { # KEY VALUE: by it, no NIC answers or announces for a VIP of scope host
  case $1:$2 in arp_ignore:[123] | arp_announce:2) ;; *) return 1 ;; esac
}

# A value that somebody else has set since is theirs.
undo_sysctl() {
  read_first "$ipv4/$2/$3"
  [ "$value" = "$5" ] || return 0
  if ! is_silent "$3" "$4" && guard_is_bound; then
    held="${held:+$held; }$3 of $2 stays $5 (it was $4): a VIP that is bound on lo would leak"
    return
  fi
  { echo "$4" >"$ipv4/$2/$3"; } 2>/dev/null || stuck="$3 of $2 could not be set back to $4"
}

guard_is_bound() {
  while read -r key word; do
    [ "$key" = guard ] || continue
    case $lo in *" $word/"*) return 0 ;; esac
  done <"$journal"
  return 1
}

# STEP FAMILY PREFIX WORDS..., STEP bound or unbound; "void STEP FAMILY PREFIX" for one that was
# never taken, because a step before it failed or somebody else had been there first.
undo_address() {
  case $1:$void in
    void:*) void="$void$2:$4 " ;;
    *" $1:${3:-} "*) ;;
    bound:*) ip "-$2" addr del "$3" dev lo ;;
    unbound:*) put_address_back "$2" "$3" "$4" "$5" "$6" ;;
  esac
} >/dev/null 2>&1

# Not by batch: a label may hold a quote or a #, and those mean something there.
put_address_back() { # FAMILY PREFIX SCOPE VALID PREFERRED; the label is the rest of $line
  family=$1 label=${line#* * * * * * }
  [ "$label" != "$line" ] || label=''
  shift
  address_words "$@"
  # shellcheck disable=SC2086 # fields, by design; nothing globs: set -f
  ip "-$family" addr add $words ${label:+label "$label"}
}

# The oldest step on an address tells how it was before the operation.
check_addresses() {
  lo=$(ip -o addr show dev lo) || stuck="lo cannot be read"
  seen=' '
  while read -r key _ prefix _; do
    case $key:$void$seen in
      *" $key:$prefix "* | *" $prefix "*) continue ;;
      bound:*) wanted=gone ;;
      unbound:*) wanted=there ;;
      *) continue ;;
    esac
    seen="$seen$prefix "
    case $wanted:$lo in
      gone:*" $prefix "*) stuck="$prefix could not be removed from lo, and the ARP sysctls stay as they are" ;;
      there:*" $prefix "* | gone:*) ;;
      *) stuck="$prefix could not be put back on lo" ;;
    esac
  done
}

# file old|new NAME
undo_file() {
  [ "$1" = file ] || return 0
  case $held:$3 in ?*:machine) return ;; esac
  if [ "$3" = saved ] && [ -n "$held" ]; then
    keep_saved "$2"
  elif [ "$2" = new ]; then
    rm -f "$registry/$3"
  elif [ -e "$registry/undo/$3" ]; then
    mv "$registry/undo/$3" "$registry/$3"
  fi || stuck="$registry/$3 could not be put back"
  durable "$registry" "$registry/owners"
}

# As before, but for the sysctls that had to stay: those keep the value to go back to one day.
keep_saved() { # old|new
  {
    if [ "$1" = old ]; then of_those_that_stay no <"$registry/undo/saved"; else echo 'lvs-dr-saved 1'; fi
    of_those_that_stay yes <"$registry/saved"
    echo end
  } >"$registry/new" && durable "$registry/new" && mv "$registry/new" "$registry/saved"
} 2>/dev/null

of_those_that_stay() { # yes|no: which lines of stdin, "sysctl KEY VALUE WRITTEN INTERFACE"
  while IFS= read -r line; do
    [ "$line" != end ] || continue
    nic=${line##* } key=${line#* }
    case $held in *"${key%% *} of $nic stays "*) stays=yes ;; *) stays=no ;; esac
    [ "$stays" != "$1" ] || printf '%s\n' "$line"
  done
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

# ---------------------------------------------------------------- verbs

sysctl() { # INTERFACE KEY OLD NEW
  read_first "$ipv4/$1/$2"
  [ "$value" = "$3" ] || { fail "$2 of $1 is $value and was $3 a moment ago: somebody else is changing it"; return 1; }
  log_step "sysctl $1 $2 $3 $4" || return 1
  { echo "$4" >"$ipv4/$1/$2"; } 2>/dev/null
  read_first "$ipv4/$1/$2"
  [ "$value" = "$4" ] || fail "$2 of $1 is $value after writing $4"
}

# The kernel goes by max(all, NIC), on the NIC that hears the request. Effective 1, 2 and (VIPs have
# scope host) 3 are silent for ignore; exactly 2 for announce.
quiet() { # all | NIC...: none of them answers or announces for a VIP on lo
  if [ "$1" = all ]; then
    set --
    for conf in "$ipv4"/*; do set -- "$@" "${conf##*/}"; done
  fi
  read_first "$ipv4/all/arp_ignore" && all_ignore=$value
  read_first "$ipv4/all/arp_announce" && all_announce=$value
  for nic in "$@"; do
    hears_arp "$nic" || continue
    read_first "$ipv4/$nic/arp_ignore" && ignore=$value
    read_first "$ipv4/$nic/arp_announce" && announce=$value
    # One that has gone away since cannot answer.
    [ "$ignore" != - ] && [ "$announce" != - ] || continue
    [ "$ignore" -ge "$all_ignore" ] || ignore=$all_ignore
    [ "$announce" -ge "$all_announce" ] || announce=$all_announce
    case $ignore:$announce in
      [123]:2) ;;
      *) fail "$nic would leak: arp_ignore is $ignore and arp_announce $announce there"; return 1 ;;
    esac
  done
}

hears_arp() { # NIC: neither IFF_LOOPBACK (0x8) nor IFF_NOARP (0x80)
  case $1 in all | default | lo) return 1 ;; esac
  read_first "/sys/class/net/$1/flags"
  [ "$value" = - ] || [ $((value & 0x88)) = 0 ]
}

# Steps of one family: "bound PREFIX SCOPE VALID PREFERRED LABEL", "unbound ..." alike.
addresses() { # FAMILY STEP...
  family=$1
  shift
  for step in "$@"; do log_step "${step%% *} $family ${step#* }" || return 1; done
  run_batch "$family" "$(for step in "$@"; do address_command "$step"; done)" && return
  number=0 culprit=''
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

address_command() { # STEP
  set -f
  # shellcheck disable=SC2086 # fields, by design
  set -- $1
  set +f
  case $1 in
    bound) shift && address_words "$@" && printf 'addr add %s\n' "$words" ;;
    unbound) printf 'addr del %s dev lo\n' "$2" ;;
  esac
}

address_words() { # PREFIX SCOPE VALID PREFERRED [LABEL]: $words, as ip takes them
  words="$1 dev lo valid_lft $3 preferred_lft $4"
  case $1:$flavour in
    *:*:iproute2) words="$words nodad" ;;
    *:*:busybox) ;;
    *)
      words="$words scope $2${5:+ label $5}"
      ;;
  esac
}

# One process for all lines with iproute2, which stops at the first that fails and says which.
run_batch() { # FAMILY LINES: on failure $failed_at is the line's number, and $problem says why
  if [ "$flavour" = iproute2 ]; then
    problem=$(printf '%s\n' "$2" | ip "-$1" -batch - 2>&1) && return
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

# ---------------------------------------------------------------- what an inspection asks besides

more() { # FUNCTION WORD...: what it prints is the next part of the answer's body
  body="$body$("$@")
"
}

# An operation that is not committed. Who writes holds the lock exclusively: a reader's is tried, for
# a moment, and not kept.
pending() {
  [ -e "$journal" ] || return 0
  if [ -e "$registry/lock" ] && ! (command exec 9<"$registry/lock" && flock -n -s 9) 2>/dev/null; then
    echo "under-way"
  fi
  # It may be gone by now.
  prefix journal 2>/dev/null <"$journal" || :
}

# getent asks what the host's programs ask. nslookup, where there is none, reads no /etc/hosts.
resolve() { # NAME...
  for name in "$@"; do
    echo "name $name"
    if command -v getent >/dev/null 2>&1; then
      getent ahosts "$name" 2>/dev/null | prefix getent
      continue
    fi
    grep -iF -- "$name" /etc/hosts 2>/dev/null | prefix hosts
    if command -v nslookup >/dev/null 2>&1; then
      nslookup "$name" 2>/dev/null | prefix nslookup
    else
      echo "no-resolver"
    fi
  done
}

listening() {
  if command -v ss >/dev/null 2>&1; then
    ss -ltn 2>/dev/null | prefix ss
    return
  fi
  for file in /proc/net/tcp /proc/net/tcp6; do
    [ ! -r "$file" ] || listeners <"$file" | prefix "${file##*/}"
  done
}

# The kernel lists them first, in state 0A, before what may be a hundred thousand connections.
listeners() {
  read -r _
  while read -r _ ends _ state _ && [ "$state" = 0A ]; do echo "$ends"; done
}

# ---------------------------------------------------------------- what a drain asks

# TCP connections in each state but LISTEN, TIME-WAIT and CLOSE: "ss LINE", "tcp LINE" (of /proc) and
# "conntrack LINE"; in TIME-WAIT: "ended ss LINE", "ended tcp LINE". After each source how many lines
# it has, for only the first of them are told. Never nothing by mistake: what cannot be asked is a
# failure, or "blind".
connections() { # SS_FILTER TCP_PATTERN CONNTRACK_PATTERN
  if sockets=$(ss -Htn state connected exclude time-wait "$1" 2>/dev/null); then
    printf '%s' "${sockets:+$sockets
}" | counted ss
    ss -Htn state time-wait "$1" 2>/dev/null | counted 'ended ss'
  else
    for file in /proc/net/tcp /proc/net/tcp6; do
      [ -r "$file" ] || continue
      matching "$2 0[1-589BC] " <"$file" | counted tcp
      matching "$2 06 " <"$file" | counted 'ended tcp'
    done
  fi
  translated "$3" | counted conntrack
}

counted() { # SOURCE: the first lines of stdin, and how many there are
  sed -n -e "1,1000s/^/$1 /p" -e '$=' || echo "$1 cannot be counted"
}

matching() { # PATTERN: of the lines of stdin; none is no failure
  grep -E -e "$1" || [ $? = 1 ] || echo "cannot be searched"
}

conntrack_table=/proc/net/nf_conntrack

# DNAT to a container shows in no socket of the host. Where nothing is translated it is the VIP
# itself that answers, and its sockets are counted.
translated() { # PATTERN
  if [ -r "$conntrack_table" ]; then
    matching "$1" <"$conntrack_table"
  elif entries=$({ conntrack -L -p tcp -f ipv4 && conntrack -L -p tcp -f ipv6; } 2>/dev/null); then
    printf '%s\n' "$entries" | matching "$1"
  elif may_translate; then
    echo blind
  fi | sed -e '/ TIME_WAIT /d' -e '/ CLOSE /d' -e '/^[^=]*src=[^ ]* dst=\([^ ]*\) .* src=\1 /d'
}

# Without conntrack there is no NAT. With it, and nobody to tell the rules, there may be.
may_translate() {
  read_first /proc/sys/net/netfilter/nf_conntrack_count
  case $value in - | 0) return 1 ;; esac
  ! cat /proc/net/ip_tables_names /proc/net/ip6_tables_names | grep -q '^nat$' || return 0
  if command -v nft >/dev/null; then
    nft list ruleset | grep -qE '(dnat|redirect)'
  elif command -v iptables-save >/dev/null; then
    { iptables-save && ip6tables-save; } | grep -qE -e '-j (DNAT|REDIRECT)'
  fi
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
  for tool in ip flock sha256sum cp date id mkdir mv rm rmdir sleep sync; do
    command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
  done
  [ -z "$missing" ] || { body="missing$missing" && reply unsupported; exit 1; }
  [ "$(id -u)" = 0 ] || { body="uid $(id -u)" && reply privilege; exit 1; }
  [ -n "$session" ] || { body="no SSH_CONNECTION" && reply unsupported; exit 1; }
  case $(ip -V 2>&1) in *iproute2*) flavour=iproute2 ;; *) flavour=busybox ;; esac
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
  lock && observe "$@" || return 1
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
