#!/bin/sh
# Process 1 of a guest, for a moment: makes this disk that of this guest, opens the lab's console,
# and becomes the init that was asked for.
set -eu
export PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin

main() {
  mount -t proc proc /proc
  # In the machines that guests stand for IPv6 is part of the kernel.
  modprobe ipv6
  ip link set vec0 name eth0
  mount -t hostfs -o ro hostfs /mnt
  # shellcheck source=/dev/null # NAME, MACHINE_ID, ADDRESS, ADDRESS6, GATEWAY, NETWORK, INIT
  . /mnt/settings
  [ -e /usr/lib/lab/settled ] || settle
  umount /mnt /proc
  setsid /bin/sh /usr/lib/lab/console.sh </dev/tty1 >/dev/tty1 2>&1 &
  exec "$INIT"
}

# Once, at the first boot: a rebuilt guest is another disk.
settle() {
  echo "$NAME" >/etc/hostname
  printf '127.0.0.1 localhost\n::1 localhost\n127.0.1.1 %s\n' "$NAME" >/etc/hosts
  echo "$MACHINE_ID" >/etc/machine-id
  mkdir -p /root/.ssh
  chmod 700 /root/.ssh
  cp /mnt/authorized_keys /root/.ssh/authorized_keys
  cp /mnt/ssh_host_ed25519_key /mnt/ssh_host_ed25519_key.pub /etc/ssh/
  chmod 600 /root/.ssh/authorized_keys /etc/ssh/ssh_host_ed25519_key
  network
  sync
  : >/usr/lib/lab/settled
}

# By exactly one of the three; all come up between network-pre.target and network.target.
network() {
  printf 'auto lo\niface lo inet loopback\n' >/etc/network/interfaces
  case $NETWORK in
    unit) start_at_boot lab-nic.service ;;
    networkd)
      start_at_boot systemd-networkd.service
      cat >/etc/systemd/network/eth0.network <<END
[Match]
Name=eth0
[Network]
Address=$ADDRESS
Address=$ADDRESS6
Gateway=$GATEWAY
IPv6AcceptRA=no
LinkLocalAddressing=ipv6
END
      ;;
    ifupdown)
      start_at_boot networking.service
      cat >>/etc/network/interfaces <<END
auto eth0
iface eth0 inet static
  address $ADDRESS
  gateway $GATEWAY
iface eth0 inet6 static
  address $ADDRESS6
  dad-attempts 0
END
      ;;
  esac
  printf 'ADDRESS=%s\nADDRESS6=%s\nGATEWAY=%s\n' "$ADDRESS" "$ADDRESS6" "$GATEWAY" >/etc/lab-nic
}

start_at_boot() {
  mkdir -p /etc/systemd/system/multi-user.target.wants
  ln -sf "/lib/systemd/system/$1" "/etc/systemd/system/multi-user.target.wants/$1"
}

main "$@"
