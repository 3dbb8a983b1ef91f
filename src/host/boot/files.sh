# Files as they were.

# A file that was not changed needs no undoing, which its folder may not allow: on a disk that cannot be
# written, the journal would block every operation to come.
is_as_kept() { # COPY, of $path
  [ -e "$path" ] && [ -e "$1" ] || return 1
  if [ -L "$path" ] || [ -L "$1" ]; then
    [ -L "$path" ] && [ -L "$1" ] && [ "$path" -ef "$1" ]
  else
    [ "$(sha256sum <"$path")" = "$(sha256sum <"$1")" ]
  fi
}

put_unit_back() { # COPY: the folder may be on another disk
  cp -pP "$1" "$aside" && durable "$aside" && mv "$aside" "$path"
}
