# The journal: the only undo, and the only mark of what is committed. docs/reference/protocol.md has its
# lines.
#
# Only files are synced: in another boot addresses and sysctls are void anyway, and what a killed shell
# wrote is still in the page cache. The journal is on disk before the first file changes, and every file
# before the journal goes; what a power cut leaves between is undone, whatever of it is on disk.

begun=''     # yes once the journal is ours
committed='' # yes from the commit on
touched=''   # yes where what a boot runs changes

begin() { # "GUARD..." FILE...: what the kind's undo must not expose, files that will change
  local guard="$1"
  begun=yes touched='' staged='' unsynced=''
  shift
  [ -z "$strangers" ] || set_aside || return 1
  clear_leftovers || fail "$registry/undo cannot be removed" || return 1
  keep_old "$@" && write_journal "$guard" "$@" >"$registry/new" && sync_journal "$@" &&
    mv "$registry/new" "$journal" && durable "$registry" ||
    fail "the journal $journal cannot be written (is the disk full or read-only?)"
} 2>/dev/null

keep_old() { # NAME...: a copy for the undo of each file that is there
  local name='' copy=''
  for name in "$@"; do
    path_of "$name" || return 1
    case $name in boot/*) touched=yes ;; esac
    copy=$registry/undo/$name
    ! is_there "$path" || { make_folder "${copy%/*}" && cp -pP "$path" "$copy"; } || return 1
  done
}

write_journal() { # "GUARD..." NAME...
  local word='' boot=''
  read_first /proc/sys/kernel/random/boot_id boot
  printf 'lvs-dr-journal 1\nboot %s\nby %s\n' "$boot" "$holder" || return 1
  for word in $1; do echo "guard $word" || return 1; done
  shift
  for word in "$@"; do
    if is_there "$registry/undo/$word"; then echo "file old $word"; else echo "file new $word"; fi || return 1
  done
}

sync_journal() { # NAME...: and the copies
  local copy='' paths="$registry/new"
  for copy in "$@"; do
    copy=$registry/undo/$copy
    ! is_there "$copy" || paths="$paths $copy ${copy%/*} $registry/undo"
  done
  # shellcheck disable=SC2086 # none of our paths has a blank
  durable $paths
}

log_step() { # TEXT: ahead of the step
  { printf '%s\n' "$1" >>"$journal"; } 2>/dev/null || fail "the journal $journal cannot be written (is the disk full?)"
}

commit() { # the one moment at which the operation counts
  place || return 1
  problem='sync failed'
  # shellcheck disable=SC2086 # none of our paths has a blank
  { [ -z "$unsynced" ] || durable $unsynced; } 2>/dev/null &&
    problem=$(rm "$journal" 2>&1) && durable "$registry" || fail "cannot commit: $problem" || return 1
  committed=yes
  begun='' # nothing to undo from here on; and after tidy, a journal would be somebody else's
  tidy     # before the answer: whoever is told that it is done finds no folder either
  [ -z "$touched" ] || tell_init
  body=committed
}

# ---------------------------------------------------------------- one that somebody else has left

settle() { # an operation that died
  [ -e "$journal" ] || return 0
  know_journal || return 1
  note "undoing an operation that was cut off" || exit 1
  undo && { [ -z "$held" ] || warn "$held" || exit 1; }
}

# It is never skipped: a line that we do not know may be a step that has to be undone.
know_journal() { # fails with $strange, the first line that we do not know
  know_origin
  # Steps are not synced: where a power cut came before they were written, there are zeros.
  strange=$(tr '\000' '\001' <"$journal" | find_strange) || strange='?'
  [ -z "$strange" ] || fail "nothing was changed: the journal $journal, which $origin left, has a step that this version does not know: \"$strange\". A newer pulumi-lvs-dr left it (npm install pulumi-lvs-dr@latest), or it is damaged: then undo by hand what it names (files as they were are in $registry/undo), and remove it"
}

know_origin() { # $this_boot: yes or no, and whose the journal is
  local boot='' key='' word=''
  this_boot=no origin=unknown
  read_first /proc/sys/kernel/random/boot_id boot
  while read -r key word; do
    case $key:$word in "boot:$boot") this_boot=yes ;; by:*) origin=$word ;; esac
  done <"$journal"
}

# A last line without an end is none: steps are written ahead, so that one was never taken. The lines
# after zeros are steps of another boot, cut anywhere.
find_strange() { # of the journal on stdin
  local line='' due=head
  while IFS= read -r line; do
    case $this_boot:$due:$line in
      *:head:'lvs-dr-journal 1') due=boot ;;
      *:boot:'boot '?*) due=by ;;
      *:by:'by '*) due=step ;;
      no:step:*[[:cntrl:]]*) return 0 ;;
      *:step:'guard '?* | *:step:'file old '?* | *:step:'file new '?*) ;;
      *:step:*) is_listed "${line%% *}" "$steps" ;;
      *) false ;;
    esac || { printf %s "${line:-(an empty line)}" && return 0; }
  done
  [ "$due" = step ] || printf "(its end)"
}
