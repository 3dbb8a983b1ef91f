# Whose registry is on this disk.

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

# A registry that came with a clone's image says nothing about this machine. Its first operation sets it
# aside.
recognise_strangers() {
  local key='' value='' ours=''
  strangers='' machine_id=''
  [ -f "$registry/machine" ] || return 0
  read_identity
  while read -r key value; do
    case $key in
      machine-id) ours=$machine_id ;;
      product-uuid) ours=$product_uuid ;;
      *) continue ;;
    esac
    # One that is damaged says nothing of whose it is.
    case $value:$ours in
      :* | *[!0-9a-zA-Z-]*:* | -:* | *:- | "$ours:$value") ;;
      *) [ "$key" = product-uuid ] && is_same_product "$value" "$ours" || strangers=yes ;;
    esac
  done <"$registry/machine"
  [ -z "$strangers" ] || say "the registry on this host belongs to another machine (a clone?), and says nothing about this one"
}
