# Where a file is by its name in a journal: $path, and $aside, where it is made.
path_of() { # NAME
  aside=''
  case $1:$unit in
    boot/outcome:*) path=$outcome ;;
    boot/*:) path='' ;;
    boot/unit:*) path=$unit ;;
    boot/link:*) path=$unit_link ;;
    *) path=$registry/$1 aside=$registry/new ;;
  esac
  aside=${aside:-${path%/*}/.pulumi-lvs-dr.new}
}
