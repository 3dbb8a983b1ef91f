#!/bin/sh
# Runs once in the tree that becomes the guests' disk: leaves out what only takes time at boot.
set -eu
units=/etc/systemd/system

# Not installed, for that is large: its units are what `systemd-analyze verify` is asked about.
dpkg -x /opt/cloud-init_*.deb /opt/cloud-init
mkdir /usr/share/cloud-init-units
cp /opt/cloud-init/lib/systemd/system/* /usr/share/cloud-init-units
printf '#!/bin/sh\n' >/usr/bin/cloud-init
chmod 755 /usr/bin/cloud-init
rm -rf /opt/cloud-init /opt/cloud-init_*.deb /etc/apt/apt.conf.d/99mmdebstrap

# OpenRC with services that are its own: Debian's for sysvinit do not say that they provide net.
rm -f /etc/runlevels/*/*
for service in /usr/lib/lab/openrc/*; do
  install -m 755 "$service" /etc/init.d/
done
ln -s /etc/init.d/devices /etc/runlevels/sysinit/
ln -s /etc/init.d/sysctl /etc/init.d/lab-nic /etc/runlevels/boot/
ln -s /etc/init.d/ssh /etc/runlevels/default/

cp /usr/lib/lab/lab-nic.service /lib/systemd/system/
chmod 755 /usr/lib/lab/init.sh
rm -f /etc/ssh/ssh_host_* /etc/machine-id /etc/hostname
cat >/etc/ssh/sshd_config <<END
HostKey /etc/ssh/ssh_host_ed25519_key
UseDNS no
UsePAM no
Subsystem sftp internal-sftp
END
rm -f "$units"/multi-user.target.wants/networking.service \
  "$units"/network-online.target.wants/networking.service
# Of a hundred devices most are terminals.
mkdir "$units/systemd-udev-trigger.service.d"
cat >"$units/systemd-udev-trigger.service.d/lab.conf" <<END
[Service]
ExecStart=
ExecStart=-udevadm trigger --action=add --subsystem-match=net --subsystem-match=block
END
for unit in getty.target systemd-update-utmp.service systemd-update-utmp-runlevel.service \
  systemd-logind.service systemd-random-seed.service systemd-sysusers.service \
  systemd-firstboot.service systemd-pcrphase.service systemd-pcrphase-sysinit.service \
  systemd-hwdb-update.service systemd-machine-id-commit.service systemd-remount-fs.service \
  systemd-ask-password-wall.path systemd-ask-password-console.path kmod-static-nodes.service \
  modprobe@configfs.service modprobe@drm.service modprobe@fuse.service \
  modprobe@efi_pstore.service modprobe@dm_mod.service modprobe@loop.service \
  dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
  sys-kernel-config.mount sys-fs-fuse-connections.mount proc-sys-fs-binfmt_misc.automount \
  e2scrub_reap.service e2scrub_all.timer fstrim.timer dpkg-db-backup.timer \
  apt-daily.timer apt-daily-upgrade.timer systemd-tmpfiles-clean.timer ifupdown-pre.service \
  systemd-networkd-wait-online.service; do
  ln -sf /dev/null "$units/$unit"
done
