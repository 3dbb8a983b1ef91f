# Undoing changes of files.

undo_file() { # of "file old|new NAME"
  [ "$1" = file ] || return 0
  case $3:$this_boot:$staying in
    # What an earlier boot's replay had to say, this one has not.
    boot/outcome:no:*) return 0 ;;
    # While sysctls stay, what they were is still known: it goes back one day.
    machine:yes:' '?*) return 0 ;;
    saved:yes:' '?*) keep_saved "$2" || stuck="$registry/saved could not be put back" ;;
    *) put_back "$2" "$3" || stuck="${path:-$3} could not be put back" ;;
  esac
  durable "${path%/*}"
}
