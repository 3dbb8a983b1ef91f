# What starts a real server's boot.

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
