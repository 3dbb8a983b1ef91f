# What starts a kind's program at boot. By files, as `systemctl enable` and `rc-update add` make them: so
# that they are undone by the journal like any other.

know_init() { # $init, and where the unit and what enables it are
  init=none unit='' unit_link='' unit_permissions=644
  if [ -z "$service" ]; then
    :
  elif [ -d /run/systemd/system ]; then # sd_booted(3)
    init=systemd
    unit=/etc/systemd/system/$service.service
    unit_link=/etc/systemd/system/multi-user.target.wants/$service.service
  elif [ -d /run/openrc ]; then
    init=openrc unit_permissions=755
    unit=/etc/init.d/$service
    unit_link=/etc/runlevels/$runlevel/$service
  fi
}

# A unit that came, changed or went, and one that is gone though it ran in this boot. A systemctl that
# hangs must not keep the lock.
tell_init() {
  case $init in
    systemd)
      [ -e "$unit" ] || systemctl --no-block stop "${unit##*/}" 9>&-
      problem=$(systemctl daemon-reload 2>&1 9>&-) || [ ! -e "$unit" ] ||
        warn "systemctl daemon-reload failed, and ${unit##*/} counts from the next boot on: $problem" || exit 1
      systemctl reset-failed "${unit##*/}" 9>&-
      ;;
    openrc) [ -e "$unit" ] || rm -f /run/openrc/*/"${unit##*/}" ;;
  esac 2>/dev/null
  return 0
}
