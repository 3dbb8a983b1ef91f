# What an inspection asks of any kind of host. It goes after the kind.

questions="$questions pending"

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
