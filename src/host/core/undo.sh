# shellcheck shell=sh disable=SC2015,SC2034,SC2154,SC3013
# The registry on a real server: whose it is, its lock, and the journal by which whatever was not
# committed is undone. A part of every program that runs there; scripts.ts puts the parts together.
#
# SC2015: `a && b || c` is meant, c sees both. SC2034, SC2154: parts share variables. SC3013: -ef is in dash, bash and ash.

registry=/var/lib/lvs-dr
journal=$registry/journal
locked=''    # -s or -x: the lock that we have
strangers='' # yes while the registry on disk is another machine's
committed='' # yes from the commit on
outcome=/run/pulumi-lvs-dr.boot # what the replay of this boot has to say
busy=''      # who holds the lock that could not be had
problem=''   # what a command that failed said

# ---------------------------------------------------------------- whose it is

read_identity() {
  read_first /etc/machine-id
  [ "$value" != - ] || read_first /var/lib/dbus/machine-id
  machine_id=${value:--}
  read_first /sys/class/dmi/id/product_uuid
  product_uuid=${value:--}
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
  make_folder "$registry/owners" && command exec 9>>"$registry/lock" && return
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

# The last one out leaves nothing behind. The lock goes last: once it is gone, others may be in.
tidy() {
  [ "$locked" = -x ] && lock_is_current || return 0
  : >"$registry/lock" # nobody's any more
  [ -z "$strangers" ] && [ ! -e "$journal" ] || return 0
  clear_leftovers
  [ ! -e "$registry/saved" ] || return 0
  for file in "$registry"/owners/*; do [ ! -e "$file" ] || return 0; done
  # What was set aside goes with an owner that leaves, not with an operation that failed.
  [ -n "$committed" ] || [ ! -e "$registry/aside" ] || return 0
  rm -rf "$registry/aside" "$registry/machine" "$registry/owners" "$outcome"
  rm -f "$registry/lock" && rmdir "$registry"
} 2>/dev/null

# ---------------------------------------------------------------- files

make_folder() { # FOLDER [MASK]
  [ -d "$1" ] || problem=$(umask "${2:-077}" && mkdir -p "$1" 2>&1)
}

clear_leftovers() { # of an operation that is over
  [ ! -e "$registry/undo" ] && [ ! -e "$registry/new" ] || rm -rf "$registry/undo" "$registry/new"
}

durable() { # FILE...: on disk, not only in memory; an old sync takes no names
  sync "$@" 2>/dev/null || sync
}

# What starts the replay at boot. By files, as `systemctl enable` and `rc-update add` make them: so
# that they are undone by the journal like any other.
know_init() {
  init=none unit='' unit_link='' unit_permissions=644
  if [ -d /run/systemd/system ]; then # sd_booted(3)
    init=systemd
    unit=/etc/systemd/system/pulumi-lvs-dr.service
    unit_link=/etc/systemd/system/multi-user.target.wants/pulumi-lvs-dr.service
  elif [ -d /run/openrc ]; then
    init=openrc unit_permissions=755
    unit=/etc/init.d/pulumi-lvs-dr
    unit_link=/etc/runlevels/boot/pulumi-lvs-dr
  fi
}

# A file by its name in journal and plan: $path, and $aside, where it is made. No `return`: in a trap,
# bash gives it the status of what the trap interrupted.
path_of() { # NAME
  permissions=600 aside=''
  case $1:$unit in
    boot/outcome:*) path=$outcome ;;
    boot/*:) path='' ;;
    boot/unit:*) path=$unit permissions=$unit_permissions ;;
    boot/link:*) path=$unit_link ;;
    *) path=$registry/$1 aside=$registry/new ;;
  esac
  aside=${aside:-${path%/*}/.pulumi-lvs-dr.new}
  [ -n "$path" ] || fail "$1 is where neither systemd nor OpenRC runs"
}

# A unit that came, changed or went, and one that is gone though it ran in this boot. A systemctl that
# hangs must not keep the lock.
tell_init() {
  case $init in
    systemd)
      [ -e "$unit" ] || systemctl --no-block stop "${unit##*/}" 9>&-
      problem=$(systemctl daemon-reload 2>&1 9>&-) ||
        warn "systemctl daemon-reload failed, and ${unit##*/} counts from the next boot on: $problem" || exit 1
      systemctl reset-failed "${unit##*/}" 9>&-
      ;;
    openrc) [ -e "$unit" ] || rm -f /run/openrc/*/"${unit##*/}" ;;
  esac 2>/dev/null
  return 0
}

# ---------------------------------------------------------------- undoing by the journal

settle() { # what an operation that died left behind
  [ -e "$journal" ] || return 0
  note "undoing an operation that was cut off" || exit 1
  undo && { [ -z "$held" ] || warn "$held" || exit 1; }
}

# Newest step first, in the order in which no VIP is ever bound without its sysctls: what was
# loosened is tightened, addresses go or come back, what was tightened is loosened, files. What
# cannot be undone keeps the journal, and the next operation tries again.
undo() {
  stuck='' held='' void=' ' touched=''
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
  [ -z "$touched" ] || tell_init
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
  # What an earlier boot's replay had to say, this one has not.
  case $3:$this_boot in boot/outcome:no) return 0 ;; esac
  case $held:$3 in ?*:machine) return ;; esac
  if ! path_of "$3"; then
    stuck=$failure
  elif [ "$3" = saved ] && [ -n "$held" ]; then
    keep_saved "$2"
  elif [ "$2" = new ]; then
    rm -f "$path" "$aside"
  elif [ -e "$registry/undo/$3" ] || [ -L "$registry/undo/$3" ]; then
    put_file_back "$3"
  fi || stuck="$path could not be put back"
  durable "${path%/*}"
  case $3 in boot/*) touched=yes ;; esac
}

put_file_back() { # NAME, at $path; the folder may be on another disk
  case $1 in
    boot/*) is_as_kept "$1" && rm -f "$aside" || put_unit_back "$1" ;;
    *) mv "$registry/undo/$1" "$path" ;;
  esac
}

# A file that was not changed needs no undoing, which its folder may not allow: on a disk that cannot be
# written, the journal would block every operation to come.
is_as_kept() { # NAME, at $path
  [ -e "$path" ] && [ -e "$registry/undo/$1" ] || return 1
  if [ -L "$path" ] || [ -L "$registry/undo/$1" ]; then
    [ -L "$path" ] && [ -L "$registry/undo/$1" ] && [ "$path" -ef "$registry/undo/$1" ]
  else
    [ "$(sha256sum <"$path")" = "$(sha256sum <"$registry/undo/$1")" ]
  fi
}

put_unit_back() { # NAME
  cp -pP "$registry/undo/$1" "$aside" && durable "${path%/*}" && mv "$aside" "$path"
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
