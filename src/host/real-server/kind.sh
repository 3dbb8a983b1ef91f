# What the core asks of a real server; core/main.sh has the list.

registry=/var/lib/lvs-dr
keeps=saved
service=pulumi-lvs-dr
runlevel=boot
outcome=/run/pulumi-lvs-dr.boot # what the replay of this boot has to say
tools='ip grep'
verbs='sysctl quiet addresses'
questions=connections
steps='sysctl bound unbound void'
unobserved="the addresses, the routes or the registry in $registry cannot be read"
flavour='' # iproute2 or busybox, once it is known
ip_says='' # all that ip tells
peer='' way_back='' # see know_peer
conntrack_table=/proc/net/nf_conntrack
