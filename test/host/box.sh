#!/bin/bash
# Process 1 of a box: what host.sh sees of a real server, without an sshd.
#
# Started in new network, mount and PID namespaces. The test holds the other end of stdin: when that
# is gone, process 1 ends, and the kernel ends all that is in the box. bash, for it reaps orphans.
set -eu
: "${SH:?}" "${IP:?}" "${DISK:?}" "${INIT:?}"

# The machine's own proc is still mounted here, so this is the process id that nsenter needs.
read -r outer _ </proc/self/stat
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs -o "$DISK" tmpfs /var/lib
mount -t tmpfs -o mode=755 tmpfs /mnt

mkdir /mnt/bin /mnt/first /mnt/etc /mnt/etc-work
mount -t overlay -o lowerdir=/etc,upperdir=/mnt/etc,workdir=/mnt/etc-work overlay /etc
mount -t tmpfs -o mode=755 tmpfs /run
# What tells which init has booted the host; none runs here.
case $INIT in
  systemd) mkdir -p /run/systemd/system ;;
  openrc)
    mkdir -p /run/openrc /etc/runlevels/boot
    echo boot >/run/openrc/softlevel
    ;;
esac
ln -s "$(command -v "$SH")" /mnt/bin/sh
[ "$IP" != busybox ] || ln -s "$(command -v busybox)" /mnt/bin/ip
read -r uuid </proc/sys/kernel/random/uuid
echo "$uuid" >/mnt/boot_id
mount --bind /mnt/boot_id /proc/sys/kernel/random/boot_id
read -r uuid </proc/sys/kernel/random/uuid
echo "${uuid//-/}" >/mnt/machine-id
if [ -e /etc/machine-id ]; then
  mount --bind /mnt/machine-id /etc/machine-id
else
  mkdir /var/lib/dbus
  cp /mnt/machine-id /var/lib/dbus/machine-id
fi

# A new namespace may inherit the machine's values.
for scope in all default lo; do
  for key in arp_ignore arp_announce rp_filter; do echo 0 >"/proc/sys/net/ipv4/conf/$scope/$key"; done
done
ip -batch - <<END
link set lo up
link add eth0 type veth peer name wire0
link set eth0 up
link set wire0 up
addr add 10.9.0.2/24 dev eth0
route add default via 10.9.0.1
route add 100.64.0.0/10 via 10.9.0.1 src 10.9.0.2
route add unreachable 192.168.0.0/16
END
mkdir -p /etc/network
printf '%s\n' 'auto eth0' 'iface eth0 inet static' '    address 10.9.0.2/24' >/etc/network/interfaces

echo "ready $outer"
while read -r _; do :; done
