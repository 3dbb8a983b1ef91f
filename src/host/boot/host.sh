# What the boot knows of its host. Nothing in this folder is shared with an operation's program: what a
# host keeps for its boot is not to differ because that one does.

registry=/var/lib/lvs-dr
journal=$registry/journal
outcome=/run/pulumi-lvs-dr.boot # what the replay of this boot has to say
failure=''                      # why what was tried last failed
problem=''                      # what a command that failed said
strangers=''                    # yes while the registry on disk is another machine's

fail() { # TEXT
  failure=$1
  return 1
}

# Goes by the time since boot: on a fresh machine the time of day may jump by hours.
time_over() {
  read -r now _ </proc/uptime
  now=${now%.*}
  [ "$now" -ge "$deadline" ]
}

read_first() { # FILE NAME: its first line in the variable of that name, or "-"
  local _line=-
  { IFS= read -r _line <"$1"; } 2>/dev/null || [ -n "$_line" ] || _line=-
  eval "$2=\$_line"
}

is_listed() { # WORD LIST
  case $1: in : | *' '*) return 1 ;; esac
  case " $2 " in *" $1 "*) ;; *) return 1 ;; esac
}

is_there() { # PATH: a file, or a link that may lead nowhere
  [ -e "$1" ] || [ -L "$1" ]
}

durable() { # FILE...: on disk, not only in memory; an old sync takes no names
  sync "$@" 2>/dev/null || sync
}

know_init() { # $init, and where the unit and what enables it are
  init=none unit='' unit_link=''
  if [ -d /run/systemd/system ]; then # sd_booted(3)
    init=systemd
    unit=/etc/systemd/system/pulumi-lvs-dr.service
    unit_link=/etc/systemd/system/multi-user.target.wants/pulumi-lvs-dr.service
  elif [ -d /run/openrc ]; then
    init=openrc
    unit=/etc/init.d/pulumi-lvs-dr
    unit_link=/etc/runlevels/boot/pulumi-lvs-dr
  fi
}

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

# A machine that cannot say its name is not known to be the one that the registry is of.
recognise_the_nameless() {
  local key='' value=''
  [ "$machine_id" = - ] || return 0
  while read -r key value; do
    case $key:$value in machine-id:-) ;; machine-id:*) strangers=yes ;; esac
  done <"$registry/machine"
  [ -z "$strangers" ] || say "this machine has no machine-id, and the registry's has one: nothing is bound"
}
