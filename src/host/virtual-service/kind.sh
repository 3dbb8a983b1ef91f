# What the core asks of a director; core/main.sh has the list.

registry=/var/lib/lvs-dr-director
waits=/run/lvs-dr-director
keeps=''
service=pulumi-lvs-dr-director
runlevel=default # that of the service of ipvsadm, which goes before
outcome=/run/pulumi-lvs-dr-director.boot # what the replay of this boot has to say
tools='ip ipvsadm grep ls sed sort uniq'
verbs='own unlock resume table'
questions=usage
steps='added edited removed'
unobserved="the addresses, the IPVS table or the registry in $registry cannot be read"

know_tools() {
  :
}

know_files() {
  :
}

is_spared() {
  return 1
}
