# How a real server's steps are undone.

# Newest step first, in the order in which no VIP is ever bound without its sysctls: what was loosened
# is tightened, addresses go or come back, what was tightened is loosened. In another boot all of them
# are void.
undo_steps() {
  void=' ' staying=' '
  [ "$this_boot" = yes ] || return 0
  know_flavour
  undo_rest undo_loosening <"$journal"
  [ -n "$stuck" ] || undo_rest undo_address <"$journal"
  [ -n "$stuck" ] || check_addresses <"$journal"
  [ -n "$stuck" ] || undo_rest undo_tightening <"$journal"
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
  local family="$1" label="${line#* * * * * * }" words='' how=add
  [ "$label" != "$line" ] || label=''
  case $3 in *,change) how=change ;; esac
  shift
  address_words words "$@"
  # shellcheck disable=SC2086 # fields, by design; nothing globs: set -f
  ip "-$family" addr "$how" $words ${label:+label "$label"}
}

# The oldest step on an address tells how it was before the operation.
check_addresses() {
  local key='' prefix='' shown='' wanted='' seen=' '
  lo=$(ip -o addr show dev lo) || stuck="lo cannot be read"
  while read -r key _ prefix _; do
    case $key:$void$seen in
      *" $key:$prefix "* | *" $prefix "*) continue ;;
      bound:*) wanted=gone ;;
      unbound:*) wanted=there ;;
      *) continue ;;
    esac
    seen="$seen$prefix "
    with_blanks shown "$prefix"
    case $wanted:$lo in
      gone:*" $shown "*) stuck="$shown could not be removed from lo, and the ARP sysctls stay as they are" ;;
      there:*" $shown "* | gone:*) ;;
      *) stuck="$shown could not be put back on lo" ;;
    esac
  done
}

# While sysctls stay, what they were is still known: it goes back one day.
is_spared() { # old|new NAME
  case $staying:$2 in
    ' ':*) return 1 ;;
    *:machine) return 0 ;;
    *:saved) keep_saved "$1" || stuck="$registry/saved could not be put back" ;;
    *) return 1 ;;
  esac
  durable "$registry"
  return 0
}

# As before, with all that a later version may have written, but for the sysctls that stay.
keep_saved() { # old|new
  {
    if [ "$1" = old ]; then lines_that goes <"$registry/undo/saved"; else echo 'lvs-dr-saved 1'; fi
    lines_that stays <"$registry/saved"
    echo end
  } >"$registry/new" && durable "$registry/new" && mv "$registry/new" "$registry/saved"
} 2>/dev/null

lines_that() { # goes|stays: of stdin; the sysctl of a line goes back, or stays as it is
  local line='' name=''
  while IFS= read -r line; do
    name=${line#sysctl }
    name=${name%% *}/${line##* }
    case $line:$staying in
      end:*) ;;
      'sysctl '*" $name "*) [ "$1" = goes ] || printf '%s\n' "$line" ;;
      *) [ "$1" = stays ] || printf '%s\n' "$line" ;;
    esac || return 1
  done
}
