#!/bin/bash
# Process 1 of a lab host: makes the machine, then waits for the end of its stdin.
#
# Started in new network, mount and UTS namespaces; starts itself again in a new PID namespace.
# The lab's process holds the other end of stdin: when that is gone, process 1 ends, and the
# kernel ends every process, mount and interface of the host with it.
# All settings come in the environment, below. bash, because it reaps orphans while it reads.
set -eu
: "${NAME:?}" "${WIRE:?}" "${PORT:?}" "${MAC:?}" "${ADDRESS:?}" "${ADDRESS6?}" "${GATEWAY:?}"
: "${AUTHORIZED_KEYS:?}" "${DISK:?}" "${SH:?}" "${LOGIN:?}" "${IP:?}" "${WITHOUT_TOOLS?}" "${NICS?}"
: "${PASSWORD_HASH:?}" "${SSHD_OPTIONS?}" "${INIT:?}" "${QUIET?}"

users="root deploy operator nobodysudo"

main() {
  if [ "${1:-}" != machine ]; then
    hostname "$NAME"
    network
    exec unshare --pid --fork --kill-child /bin/bash "$0" machine
  fi
  # The machine's own proc is still mounted here, so this is the process id that nsenter needs.
  read -r outer _ </proc/self/stat
  disk
  identity
  configuration
  init
  accounts
  tools
  ssh
  echo "ready $outer $(cat /etc/ssh/lab_host_ed25519.pub)"
  while read -r _; do :; done
}

# Kernel defaults, whatever the machine has set: a new namespace may inherit its values.
network() {
  local scope key
  for scope in all default lo; do
    for key in arp_ignore arp_announce arp_filter arp_notify arp_accept proxy_arp rp_filter \
      promote_secondaries forwarding; do
      echo 0 >"/proc/sys/net/ipv4/conf/$scope/$key"
    done
    if [ -d "/proc/sys/net/ipv6/conf/$scope" ]; then
      for key in accept_dad accept_ra forwarding proxy_ndp; do
        echo 0 >"/proc/sys/net/ipv6/conf/$scope/$key"
      done
      [ -n "$ADDRESS6" ] || echo 1 >"/proc/sys/net/ipv6/conf/$scope/disable_ipv6"
    fi
  done
  ip -batch - <<END
link set lo up
link add eth0 address $MAC type veth peer name $PORT netns $WIRE
link set eth0 up
addr add $ADDRESS dev eth0
${ADDRESS6:+addr add $ADDRESS6 dev eth0 nodad}
route add default via $GATEWAY
route add 100.64.0.0/10 via $GATEWAY src ${ADDRESS%/*}
route add unreachable 192.168.0.0/16
route add default via $GATEWAY table 100
${ADDRESS6:+route add unreachable 2001:db8:ffff::/48}
END
  ip -netns "$WIRE" link set "$PORT" master br0 up
  local nic count=0
  for nic in $NICS; do
    count=$((count + 1))
    ip link add "$nic" type veth peer name "$PORT.$count" netns "$WIRE"
    ip link set "$nic" up
    ip -netns "$WIRE" link set "$PORT.$count" master br0 up
  done
}

# A disk of its own: the machine's, read-only, under a layer in memory that dies with the host.
disk() {
  mount -t tmpfs -o mode=755 tmpfs "$DISK"
  mkdir "$DISK/upper" "$DISK/work" "$DISK/root"
  mount -t overlay -o "lowerdir=/,upperdir=$DISK/upper,workdir=$DISK/work" overlay "$DISK/root"
  cd "$DISK/root"
  mount -t proc proc proc
  mount -t sysfs sysfs sys
  [ -e sys/class/dmi/id/product_uuid ] || firmware
  mount --bind /dev dev
  mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts dev/pts
  mount -t tmpfs -o mode=1777 tmpfs dev/shm
  mount -t tmpfs -o mode=755 tmpfs run
  mount -t tmpfs -o mode=755 tmpfs var/lib
  mount -t tmpfs -o mode=1777 tmpfs tmp
  mount -t tmpfs -o mode=700 tmpfs root
  mount -t tmpfs -o mode=755 tmpfs home
  mkdir run/lab
  pivot_root . run/lab
  cd /
  umount -l run/lab
  rmdir run/lab
}

# Of a machine whose firmware has no DMI table a host has NICs and devices, and a table of its own.
firmware() {
  mount --bind sys mnt
  mount -t tmpfs -o mode=755 tmpfs sys
  mkdir -p sys/devices sys/class/net sys/class/dmi/id
  mount --bind mnt/devices sys/devices
  mount --bind mnt/class/net sys/class/net
  : >sys/class/dmi/id/product_uuid
  umount mnt
}

# Two hosts of a lab differ as two machines do, and a rebuilt one is another machine.
identity() {
  local uuid
  read -r uuid </proc/sys/kernel/random/uuid
  echo "${uuid//-/}" >/etc/machine-id
  read -r uuid </proc/sys/kernel/random/uuid
  echo "$uuid" >/run/boot_id
  mount --bind /run/boot_id /proc/sys/kernel/random/boot_id
  read -r uuid </proc/sys/kernel/random/uuid
  echo "$uuid" >/run/product_uuid
  mount --bind /run/product_uuid /sys/class/dmi/id/product_uuid
  echo "$NAME" >/etc/hostname
  printf '127.0.0.1 localhost\n127.0.1.1 %s\n' "$NAME" >/etc/hosts
  rm -f /etc/resolv.conf
}

# What administrators keep in files, in the way of more than one distribution. None of it has to do with a
# VIP: lines that look like it are commented out.
configuration() {
  mkdir -p /etc/network /etc/sysconfig/network-scripts /etc/netplan /etc/NetworkManager/system-connections
  cat >/etc/network/interfaces <<END
auto lo eth0
iface lo inet loopback
iface eth0 inet static
    address $ADDRESS
    gateway $GATEWAY
#iface lo:0 inet static
#    address 203.0.113.10
END
  printf 'DEVICE=eth0\nBOOTPROTO=none\nIPADDR=%s\nPREFIX=24\n#IPADDR2=203.0.113.10\n' "${ADDRESS%/*}" \
    >/etc/sysconfig/network-scripts/ifcfg-eth0
  printf 'network:\n  ethernets:\n    eth0:\n      addresses:\n        - %s\n' "$ADDRESS" \
    >/etc/netplan/50-cloud-init.yaml
  printf '[connection]\ntype=ethernet\ninterface-name=eth0\n[ipv4]\naddress1=%s\n' "$ADDRESS" \
    >/etc/NetworkManager/system-connections/eth0.nmconnection
  printf 'net.ipv4.tcp_syncookies = 1\n#net.ipv4.conf.all.arp_ignore = 0\n' >/etc/sysctl.d/60-host.conf
}

# What tells a program which init has booted the host. No init runs here: what one does with the
# package's unit is proved on guests. OpenRC needs nothing but the files.
init() {
  case $INIT in
    systemd) mkdir -p /run/systemd/system ;;
    openrc)
      mkdir -p /run/openrc /etc/runlevels/boot
      echo default >/run/openrc/softlevel
      ;;
  esac
}

accounts() {
  # A title for the terminal, without a line break.
  local user home id=20000 chatter="printf '\\033]0;web\\007'"
  sed -i '/^root:/d' /etc/passwd /etc/shadow
  for user in $users; do
    if [ "$user" = root ]; then home=/root; else home=/home/$user; fi
    if [ "$user" = root ]; then
      echo "root:x:0:0:root:/root:$LOGIN" >>/etc/passwd
    else
      id=$((id + 1))
      echo "$user:x:$id:$id::$home:$LOGIN" >>/etc/passwd
      echo "$user:x:$id:" >>/etc/group
    fi
    echo "$user:$PASSWORD_HASH:19000:0:99999:7:::" >>/etc/shadow
    mkdir -p "$home/.ssh"
    echo "$AUTHORIZED_KEYS" >"$home/.ssh/authorized_keys"
    if [ -z "$QUIET" ]; then
      echo "$chatter" >"$home/.bashrc"
      echo "$chatter" >"$home/.profile"
    fi
    [ "$user" = root ] || chown -R "$id:$id" "$home"
    chmod 700 "$home" "$home/.ssh"
  done
  printf 'deploy ALL=(ALL:ALL) NOPASSWD: ALL\noperator ALL=(ALL:ALL) ALL\n' >/etc/sudoers.d/lab
  chmod 440 /etc/sudoers.d/lab
  # bash alone reads its .bashrc; this is run whatever the login shell is.
  [ -n "$QUIET" ] || echo "$chatter" >/etc/ssh/sshrc
}

tools() {
  local tool folder
  ln -sf "$SH" /bin/sh
  # Tests look at every host with the same eyes: by /usr/local/lib/ip, which is on no PATH.
  if [ "$IP" = busybox ]; then
    mv "$(readlink -f /sbin/ip)" /usr/local/lib/ip
    rm -f /bin/ip /sbin/ip /usr/bin/ip /usr/sbin/ip
    ln -s /bin/busybox /usr/sbin/ip
  else
    ln -s "$(command -v ip)" /usr/local/lib/ip
  fi
  for tool in $WITHOUT_TOOLS; do
    for folder in /bin /sbin /usr/bin /usr/sbin /usr/local/bin /usr/local/sbin; do
      rm -f "$folder/$tool"
    done
  done
}

# A first key of each kind that OpenSSH offers, and every way to log in.
ssh() {
  local kind
  for kind in ed25519 ecdsa; do
    ssh-keygen -q -t "$kind" -N "" -C "$NAME" -f "/etc/ssh/lab_host_$kind"
  done
  cat >/etc/ssh/lab_sshd_config <<END
HostKey /etc/ssh/lab_host_ed25519
HostKey /etc/ssh/lab_host_ecdsa
PidFile /run/sshd.pid
PermitRootLogin yes
PasswordAuthentication yes
KbdInteractiveAuthentication no
UsePAM yes
UseDNS no
AllowTcpForwarding yes
MaxStartups 1000
PrintMotd no
$SSHD_OPTIONS
END
  # Debian's in short; a wrong password is refused at once.
  cat >/etc/pam.d/sshd <<END
auth required pam_unix.so nodelay
account required pam_nologin.so
account required pam_unix.so
session required pam_limits.so
session required pam_unix.so
session optional pam_motd.so motd=/etc/motd noupdate
END
  mkdir -p /run/sshd
  /usr/sbin/sshd -f /etc/ssh/lab_sshd_config
  # It goes to the background before it listens, and writes this after.
  for _ in {1..500}; do [ ! -s /run/sshd.pid ] || return 0; sleep 0.02; done
  echo "sshd does not listen" >&2
  return 1
}

main "$@"
