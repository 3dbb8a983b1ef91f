# Undoing by the journal what an operation that was cut off left on disk. docs/reference/protocol.md has
# the journal's lines. The table of another boot is gone, and with it what that operation did there.

settle() {
  [ -e "$journal" ] || return 0
  know_journal || return 1
  [ "$this_boot" = no ] || is_left_to_others "$origin" || return 1
  say "undoing an operation that was cut off"
  undo
}

# A table is only put back beside what the next operation finds there: it knows what somebody has changed
# since, and this program does not.
is_left_to_others() { # WHOSE: fails
  fail "nothing is put back: an operation of $1 was cut off in this boot, and the next one (pulumi refresh, or up) undoes it"
}

# It is never skipped: a line that we do not know may be a step that has to be undone.
know_journal() { # $this_boot, and $origin, whose it is; fails with the first line that we do not know
  local strange='' boot='' key='' word=''
  this_boot=no origin=unknown
  read_first /proc/sys/kernel/random/boot_id boot
  while read -r key word; do
    case $key:$word in "boot:$boot") this_boot=yes ;; by:*) origin=$word ;; esac
  done <"$journal"
  # Steps are not synced: where a power cut came before they were written, there are zeros.
  strange=$(tr '\000' '\001' <"$journal" | find_strange) || strange='?'
  [ -z "$strange" ] || fail "nothing is put back: the journal $journal, which $origin left, has a step that this version does not know: \"$strange\". A newer pulumi-lvs-dr left it, whose next operation undoes it, or it is damaged: then undo by hand what it names (files as they were are in $registry/undo), and remove it"
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
      *:step:*) is_listed "${line%% *}" 'added edited removed' ;;
      *) false ;;
    esac || { printf %s "${line:-(an empty line)}" && return 0; }
  done
}

undo() { # what cannot be undone keeps the journal
  stuck=''
  undo_rest <"$journal"
  [ -z "$stuck" ] || fail "$stuck ($journal is kept, and the next operation tries again)" || return 1
  rm -f "$journal" && durable "$registry" || fail "$journal cannot be removed" || return 1
  rm -rf "$registry/undo"
}

undo_rest() { # each line of stdin, last line first
  local line=''
  IFS= read -r line || return 0
  undo_rest
  case $line in
    'file '*' boot/outcome') ;; # what an earlier boot's replay had to say, this one has not
    'file '*) undo_file "${line#file }" ;;
  esac
}

undo_file() { # "old|new NAME"
  put_back "${1%% *}" "${1#* }" || stuck="${path:-${1#* }} could not be put back"
  durable "${path%/*}"
}
