# A file as it was before the operation, by the journal.

put_back() { # old|new NAME
  local copy="$registry/undo/$2"
  path_of "$2"
  if [ -z "$path" ]; then
    false
  elif [ "$1" = new ]; then
    rm -f "$path" "$aside"
  elif is_there "$copy"; then
    case $2 in
      boot/*) is_as_kept "$copy" && rm -f "$aside" || put_unit_back "$copy" ;;
      *) mv "$copy" "$path" ;;
    esac
  fi
}
