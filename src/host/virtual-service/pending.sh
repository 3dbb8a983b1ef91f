# What an inspection asks of a director besides: the operations that wait without its lock.

steps="$steps managed reloaded" # those of keepalived/kind.sh, too

# Each is as if its folder were the registry: there are its journal and its lock.
pending_apart() {
  for registry in "$waits"/*; do
    journal=$registry/journal
    [ ! -e "$journal" ] || { echo "waiting ${registry##*/}" && pending; }
  done
}
