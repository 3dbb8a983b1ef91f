# A machine that cannot say its name is not known to be the one that the registry is of.
recognise_the_nameless() {
  local key='' value=''
  [ "$machine_id" = - ] || return 0
  while read -r key value; do
    case $key:$value in machine-id:-) ;; machine-id:*) strangers=yes ;; esac
  done <"$registry/machine"
  [ -z "$strangers" ] || say "this machine has no machine-id, and the registry's has one: nothing is put back"
}
