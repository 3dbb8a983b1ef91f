# The watchdog undoes what a shell that stalls or was killed did.
#
# It watches from the lock on: a client that stalls must not keep it. It holds the lock itself, so that
# nobody else comes in before it has undone what a killed shell did; and none of the channel's
# descriptors, or sshd would never close the session.

watchdog='' # its process id, while it watches

# A child has its parent's handlers until it has cleared them, and what comes in between is lost: a TERM
# of unwatch, and the shell would wait, lock and all, for the deadline. By default it ends the child.
# Nothing is begun yet that a TERM to the shell itself could leave half done.
watch() {
  trap - TERM
  (
    nap=''
    [ -n "$locked" ] || exec 9>&-
    trap '' HUP INT PIPE
    trap '[ -z "$nap" ] || kill "$nap"; exit' TERM
    until time_over || orphaned; do doze; done
    for _ in 1 2 3 4 5; do orphaned || { kill -TERM $$ && doze; }; done
    orphaned || kill -KILL $$
    doze # what it had just started ends first: it would come after the undo
    [ -z "$locked" ] || lock_is_current || exit
    undo_own
    leave
  ) 8<&- </dev/null >/dev/null 2>&1 &
  watchdog=$!
  trap die TERM
}

# The shell is gone. Not kill -0: a zombie still has its number, and later somebody else may.
orphaned() {
  local parent=''
  read -r _ _ _ parent _ </proc/self/stat
  [ "$parent" != $$ ]
}

doze() { # its sleep does not hold a lock: an orphan would keep it
  sleep 1 7>&- 9>&- &
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
