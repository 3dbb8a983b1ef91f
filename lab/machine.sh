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
: "${PASSWORD_HASH:?}" "${SSHD_OPTIONS?}" "${INIT:?}"

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
END
  ip -netns "$WIRE" link set "$PORT" master br0 up
  ip route add default via "$GATEWAY"
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

# Two hosts of a lab differ as two machines do, and a rebuilt one is another machine.
identity() {
  local uuid
  read -r uuid </proc/sys/kernel/random/uuid
  echo "${uuid//-/}" >/etc/machine-id
  read -r uuid </proc/sys/kernel/random/uuid
  echo "$uuid" >/run/boot_id
  mount --bind /run/boot_id /proc/sys/kernel/random/boot_id
  if [ -e /sys/class/dmi/id/product_uuid ]; then
    read -r uuid </proc/sys/kernel/random/uuid
    echo "$uuid" >/run/product_uuid
    mount --bind /run/product_uuid /sys/class/dmi/id/product_uuid
  fi
  echo "$NAME" >/etc/hostname
  printf '127.0.0.1 localhost\n127.0.1.1 %s\n' "$NAME" >/etc/hosts
  rm -f /etc/resolv.conf
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
  local user home id=20000
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
    [ "$user" = root ] || chown -R "$id:$id" "$home"
    chmod 700 "$home" "$home/.ssh"
  done
  printf 'deploy ALL=(ALL:ALL) NOPASSWD: ALL\noperator ALL=(ALL:ALL) ALL\n' >/etc/sudoers.d/lab
  chmod 440 /etc/sudoers.d/lab
}

tools() {
  local tool folder
  ln -sf "$SH" /bin/sh
  if [ "$IP" = busybox ]; then
    rm -f /bin/ip /sbin/ip /usr/bin/ip /usr/sbin/ip
    ln -s /bin/busybox /usr/sbin/ip
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
UsePAM no
UseDNS no
AllowTcpForwarding yes
MaxStartups 1000
PrintMotd no
$SSHD_OPTIONS
END
  mkdir -p /run/sshd
  /usr/sbin/sshd -f /etc/ssh/lab_sshd_config
  # It goes to the background before it listens, and writes this after.
  for _ in {1..500}; do [ ! -s /run/sshd.pid ] || return 0; sleep 0.02; done
  echo "sshd does not listen" >&2
  return 1
}

main "$@"
