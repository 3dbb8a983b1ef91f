# What an inspection asks of any kind of host. It goes after the kind.

questions="$questions pending beside"

# An operation that is not committed. Who writes holds the lock exclusively: a reader's is tried, for
# a moment, and not kept.
pending() {
  [ -e "$journal" ] || return 0
  if [ -e "$registry/lock" ] && ! (command exec 9<"$registry/lock" && flock -n -s 9) 2>/dev/null; then
    echo "under-way"
  fi
  # It may be gone by now.
  { prefix journal <"$journal" && { know_journal || [ ! -e "$journal" ] || printf 'journal-unknown %s\n' "$strange"; } } 2>/dev/null || :
}

# What the host is like as one of another kind, whose shell comes with the question: an observation, and
# what is pending. In the subshell of `more`, so that nothing of that shell outlives the answer.
beside() { # FUNCTIONS
  local tool=''
  define "$1"
  for tool in $tools; do
    command -v "$tool" >/dev/null 2>&1 || { echo "missing $tool" && return; }
  done
  know_init
  journal=$registry/journal
  observe || { echo "unobserved $failure" && return; }
  printf '%s\n' "$body"
  pending
  pending_apart
}

pending_apart() { # of operations that wait without the lock; for kinds whose operations never do
  :
}
