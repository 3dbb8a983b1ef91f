# Undoing by the journal what an operation that was cut off left behind. docs/reference/protocol.md has
# the journal's lines.

settle() {
  [ -e "$journal" ] || return 0
  know_journal || return 1
  say "undoing an operation that was cut off"
  undo && { [ -z "$held" ] || say "$held"; }
}

# It is never skipped: a line that we do not know may be a step that has to be undone.
know_journal() { # $this_boot; fails with the first line that we do not know
  local strange='' origin=unknown boot='' key='' word=''
  this_boot=no
  read_first /proc/sys/kernel/random/boot_id boot
  while read -r key word; do
    case $key:$word in "boot:$boot") this_boot=yes ;; by:*) origin=$word ;; esac
  done <"$journal"
  # Steps are not synced: where a power cut came before they were written, there are zeros.
  strange=$(tr '\000' '\001' <"$journal" | find_strange) || strange='?'
  [ -z "$strange" ] || fail "nothing is bound: the journal $journal, which $origin left, has a step that this version does not know: \"$strange\". A newer pulumi-lvs-dr left it, whose next operation undoes it, or it is damaged: then undo by hand what it names (files as they were are in $registry/undo), and remove it"
}

# A last line without an end is none: steps are written ahead, so that one was never taken; and before
# the head is whole there are none. The lines after zeros are steps of another boot, cut anywhere.
find_strange() { # of the journal on stdin
  local line='' due=head
  while IFS= read -r line; do
    case $this_boot:$due:$line in
      *:head:'lvs-dr-journal 1') due=boot ;;
      *:boot:'boot '?*) due=by ;;
      *:by:'by '*) due=step ;;
      no:step:*[[:cntrl:]]*) return 0 ;;
      *:step:'guard '?* | *:step:'file old '?* | *:step:'file new '?*) ;;
      *:step:*) is_listed "${line%% *}" 'sysctl bound unbound void' ;;
      *) false ;;
    esac || { printf %s "${line:-(an empty line)}" && return 0; }
  done
}

# Newest step first, in the order in which no VIP is ever bound without its sysctls: what was loosened
# is tightened, addresses go or come back, what was tightened is loosened, files. What cannot be undone
# keeps the journal.
undo() {
  stuck='' held='' void=' ' staying=' '
  if [ "$this_boot" = yes ]; then
    undo_rest undo_loosening <"$journal"
    [ -n "$stuck" ] || undo_rest undo_address <"$journal"
    [ -n "$stuck" ] || check_addresses <"$journal"
    [ -n "$stuck" ] || undo_rest undo_tightening <"$journal"
  fi
  [ -n "$stuck" ] || undo_rest undo_file <"$journal"
  [ -z "$stuck" ] || fail "$stuck ($journal is kept, and the next operation tries again)" || return 1
  rm -f "$journal" && durable "$registry" || fail "$journal cannot be removed" || return 1
  rm -rf "$registry/undo"
}

undo_rest() { # FUNCTION: on each line of stdin, last line first; it finds the line in $line, too
  local line=''
  IFS= read -r line || return 0
  undo_rest "$1"
  # Shells read zeros as nothing: a line of them alone is empty.
  case $line in *[![:blank:]]*) ;; *) return 0 ;; esac
  # shellcheck disable=SC2086 # fields, by design; nothing globs: set -f
  set -f && "$1" $line
  set +f
}

undo_loosening() { # of "sysctl INTERFACE KEY OLD NEW"
  [ "$1" = sysctl ] && is_silent "$3" "$4" || return 0
  undo_sysctl "$2" "$3" "$4" "$5"
}

undo_tightening() {
  [ "$1" = sysctl ] && ! is_silent "$3" "$4" || return 0
  undo_sysctl "$2" "$3" "$4" "$5"
}

# A value that somebody else has set since is theirs.
undo_sysctl() { # INTERFACE KEY OLD NEW
  local value=''
  read_first "$ipv4/$1/$2" value
  [ "$value" = "$4" ] || return 0
  if ! is_silent "$2" "$3" && guard_is_bound; then
    staying="$staying$2/$1 "
    held="${held:+$held; }$2 of $1 stays $4 (it was $3): a VIP that is bound on lo would leak"
    return 0
  fi
  { echo "$3" >"$ipv4/$1/$2"; } 2>/dev/null || [ ! -d "$ipv4/$1" ] || stuck="$2 of $1 could not be set back to $3"
}

guard_is_bound() {
  local key='' vip=''
  while read -r key vip; do
    [ "$key" = guard ] || continue
    case $lo in *" $vip/"*) return 0 ;; esac
  done <"$journal"
  return 1
}

# STEP FAMILY PREFIX WORDS..., STEP bound or unbound; "void STEP FAMILY PREFIX" for one that was
# never taken, because a step before it failed or somebody else had been there first.
undo_address() {
  case $1:$void in
    void:*) void="$void$2:$4 " ;;
    *" $1:${3:-} "*) ;;
    bound:*) take_address_away "$2" "$3" "$4" ;;
    unbound:*) put_address_back "$2" "$3" "$4" "$5" "$6" ;;
  esac
} >/dev/null 2>&1

take_address_away() { # FAMILY PREFIX ATTRIBUTES
  local words=''
  # What changed in place changes back where it was "unbound".
  case $3 in *,change) return ;; esac
  with_blanks words "$2"
  # shellcheck disable=SC2086 # fields, by design; nothing globs: set -f
  ip "-$1" addr del $words dev lo
}

# Not by batch: a label may hold a quote or a #, and those mean something there.
put_address_back() { # FAMILY PREFIX ATTRIBUTES VALID PREFERRED; the label is the rest of $line
  local of="$1" label="${line#* * * * * * }" words='' how=add
  [ "$label" != "$line" ] || label=''
  case $3 in *,change) how=change ;; esac
  shift
  address_words words "$@"
  words=${words% nodad} # it is there twice where the address had it
  # shellcheck disable=SC2086 # fields, by design; nothing globs: set -f
  ip "-$of" addr "$how" $words ${label:+label "$label"}
}

# The oldest step on an address tells how it was before the operation.
check_addresses() {
  local key='' at='' shown='' wanted='' seen=' '
  lo=$(ip -o addr show dev lo) || stuck="lo cannot be read"
  while read -r key _ at _; do
    case $key:$void$seen in
      *" $key:$at "* | *" $at "*) continue ;;
      bound:*) wanted=gone ;;
      unbound:*) wanted=there ;;
      *) continue ;;
    esac
    seen="$seen$at "
    with_blanks shown "$at"
    case $wanted:$lo in
      gone:*" $shown "*) stuck="$shown could not be removed from lo, and the ARP sysctls stay as they are" ;;
      there:*" $shown "* | gone:*) ;;
      *) stuck="$shown could not be put back on lo" ;;
    esac
  done
}
