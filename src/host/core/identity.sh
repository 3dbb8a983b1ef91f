# Which machine this is, and whose registry is on its disk.

strangers='' # yes while the registry on disk is another machine's

read_identity() { # $machine_id and $product_uuid
  read_first /etc/machine-id machine_id
  [ "$machine_id" != - ] || read_first /var/lib/dbus/machine-id machine_id
  machine_id=${machine_id:--}
  read_first /sys/class/dmi/id/product_uuid product_uuid
  product_uuid=${product_uuid:--}
}

# Kernels and firmware differ in the case of its letters, and in the order of the bytes of its first three
# groups: an update of one of them makes no other machine.
is_same_product() { # UUID UUID
  [ -n "$(printf '%s %s\n' "$1" "$2" | sed -n -e 'y/ABCDEF/abcdef/' -e '/^\(.*\) \1$/p' \
    -e '/^\(..\)\(..\)\(..\)\(..\)-\(..\)\(..\)-\(..\)\(..\)-\(.*\) \4\3\2\1-\6\5-\8\7-\9$/p')" ]
}

# A registry that came with a clone's image says nothing about this machine: it is as if there were
# none, and the first operation that writes sets it aside.
recognise_strangers() {
  local key='' value='' ours=''
  [ -f "$registry/machine" ] || return 0
  read_identity
  while read -r key value; do
    case $key in
      machine-id) ours=$machine_id ;;
      product-uuid) ours=$product_uuid ;;
      *) continue ;;
    esac
    # One that is damaged says nothing of whose it is, and the reader of records refuses it.
    case $value:$ours in
      :* | *[!0-9a-zA-Z-]*:* | -:* | *:- | "$ours:$value") ;;
      *) [ "$key" = product-uuid ] && is_same_product "$value" "$ours" || strangers=yes ;;
    esac
  done <"$registry/machine"
  [ -z "$strangers" ] || warn "the registry on this host belongs to another machine (a clone?), and says nothing about this one" || exit 1
}

# ---------------------------------------------------------------- for an observation

observe_identity() {
  local boot=''
  read_first /proc/sys/kernel/random/boot_id boot
  say "boot $boot"
  read_identity
  say "machine $machine_id"
  say "product $product_uuid"
}

observe_registry() {
  local file=''
  [ -d "$registry" ] && [ -z "$strangers" ] || return 0
  say registry
  for file in "$registry"/owners/*; do observe_file "owners/${file##*/}" || return 1; done
  for file in $keeps machine journal; do observe_file "$file" || return 1; done
}

# One that is empty, or all zeros after a crash, is told, too, so that it does not pass for none.
observe_file() { # NAME
  [ ! -f "$registry/$1" ] || say_each "file $1" always <"$registry/$1"
}
