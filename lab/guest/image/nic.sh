#!/bin/sh
# Brings a guest's NIC up, by the settings of /etc/lab-nic.
set -eu
ip link set lo up
# Its addresses are there at once.
echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad
ip addr add "$ADDRESS" dev eth0
ip link set eth0 up
ip -6 addr add "$ADDRESS6" dev eth0 nodad
ip route add default via "$GATEWAY"
