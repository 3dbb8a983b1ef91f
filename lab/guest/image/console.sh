#!/bin/sh
# Runs as root what the lab asks for, from before the init starts until the kernel ends, whatever
# becomes of network and sshd.
#
# Each request is a line, the number of two files that the lab has put into its folder: a terminal
# that is sent more than it has room for may never hear again. Each answer is
# "answer STATUS STDOUT STDERR". Files are below /dev, which is there from the start and nobody's disk.
set -u
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
stty raw -echo
cd /
echo ready
while read -r number; do
  # In a namespace of its own, or the init would see a mount come and go.
  # shellcheck disable=SC2016 # for the inner shell
  unshare --mount /bin/sh -c 'mount -t hostfs -o ro hostfs /mnt &&
    cp "/mnt/$0.command" /dev/lab-command && cp "/mnt/$0.input" /dev/lab-input' "$number"
  status=0
  setsid -w /bin/sh -c "$(cat /dev/lab-command)" \
    </dev/lab-input >/dev/lab-stdout 2>/dev/lab-stderr || status=$?
  echo "answer $status =$(base64 -w 0 </dev/lab-stdout) =$(base64 -w 0 </dev/lab-stderr)"
done
