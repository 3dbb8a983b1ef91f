# What sysctls were, put back.

# As before, with all that a later version may have written, but for the sysctls that stay.
keep_saved() { # old|new
  path=$registry/saved
  {
    if [ "$1" = old ]; then lines_that goes <"$registry/undo/saved"; else echo 'lvs-dr-saved 1'; fi
    lines_that stays <"$path"
    echo end
  } >"$registry/new" && durable "$registry/new" && mv "$registry/new" "$path"
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
