# Where a director's boot finds what it needs, and where it says how it went. Of src/host/boot it has what
# knows no VIP.

registry=/var/lib/lvs-dr-director
waits=/run/lvs-dr-director
journal=$registry/journal
outcome=/run/pulumi-lvs-dr-director.boot # what the replay of this boot has to say

lf='
'

know_init() { # $init, and where the unit and what enables it are
  init=none unit='' unit_link=''
  if [ -d /run/systemd/system ]; then # sd_booted(3)
    init=systemd
    unit=/etc/systemd/system/pulumi-lvs-dr-director.service
    unit_link=/etc/systemd/system/multi-user.target.wants/pulumi-lvs-dr-director.service
  elif [ -d /run/openrc ]; then
    init=openrc
    unit=/etc/init.d/pulumi-lvs-dr-director
    unit_link=/etc/runlevels/default/pulumi-lvs-dr-director
  fi
}

# Where a file is by its name in a journal: $path, and $aside, where it is made.
path_of() { # NAME
  aside=''
  case $1:$unit in
    boot/*:) path='' ;;
    boot/unit:*) path=$unit ;;
    boot/link:*) path=$unit_link ;;
    *) path=$registry/$1 aside=$registry/new ;;
  esac
  aside=${aside:-${path%/*}/.pulumi-lvs-dr-director.new}
}
