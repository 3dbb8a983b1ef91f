# The journal: the only undo, and the only mark of what is committed. docs/reference/protocol.md has its
# lines.
#
# Only files are synced: in another boot addresses and sysctls are void anyway, and what a killed shell
# wrote is still in the page cache. The journal is on disk before the first file changes, and every file
# before the journal goes; what a power cut leaves between is undone, whatever of it is on disk.

begun=''     # yes once the journal is ours
committed='' # yes from the commit on
touched=''   # yes where what a boot runs changes

settle() { # operations that died
  settle_left || return 1
  [ ! -e "$journal" ] || settle_one
}

settle_one() {
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
      *:step:*) is_listed "${line%% *}" "$steps" ;;
      *) false ;;
    esac || { printf %s "${line:-(an empty line)}" && return 0; }
  done
}
