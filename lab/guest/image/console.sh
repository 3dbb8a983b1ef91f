#!/bin/sh
# Runs as root what the lab asks for, from before the init starts until the kernel ends, whatever
# becomes of network and sshd.
#
# Each request is a line, the number of two files that the lab has put into its folder: a terminal
# that is sent more than it has room for may never hear again. Each answer is
# "answer STATUS STDOUT STDERR". Files are below /dev, which is there from the start and nobody's disk.
# Processes are dear in a guest, so few are made.
set -u
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
stty raw -echo
cd /
echo ready
while read -r number; do
  [ -d /dev/lab ] || mkdir /dev/lab
  # In a namespace of its own, or the init would see a mount come and go.
  # shellcheck disable=SC2016 # for the inner shell
  unshare --mount /bin/sh -c 'mount -t hostfs -o ro hostfs /mnt &&
    exec cp "/mnt/$0.command" "/mnt/$0.input" /dev/lab' "$number"
  status=0 out='' err=''
  setsid -w /bin/sh "/dev/lab/$number.command" <"/dev/lab/$number.input" \
    >/dev/lab/stdout 2>/dev/lab/stderr || status=$?
  [ ! -s /dev/lab/stdout ] || out=$(base64 -w 0 </dev/lab/stdout)
  [ ! -s /dev/lab/stderr ] || err=$(base64 -w 0 </dev/lab/stderr)
  echo "answer $status =$out =$err"
  : >"/dev/lab/$number.command"
  : >"/dev/lab/$number.input"
done
