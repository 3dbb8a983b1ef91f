# What an inspection asks besides: where names lead, and what listens.

questions="$questions resolve listening"

# getent asks what the host's programs ask. nslookup, where there is none, reads no /etc/hosts.
resolve() { # NAME...
  local name=''
  for name in "$@"; do
    echo "name $name"
    if command -v getent >/dev/null 2>&1; then
      getent ahosts "$name" 2>/dev/null | prefix getent
      continue
    fi
    grep -iF -- "$name" /etc/hosts 2>/dev/null | prefix hosts
    if command -v nslookup >/dev/null 2>&1; then
      nslookup "$name" 2>/dev/null | prefix nslookup
    else
      echo "no-resolver"
    fi
  done
}

listening() {
  local file=''
  if command -v ss >/dev/null 2>&1; then
    ss -ltn 2>/dev/null | prefix ss
    return
  fi
  for file in /proc/net/tcp /proc/net/tcp6; do
    [ ! -r "$file" ] || listeners <"$file" | prefix "${file##*/}"
  done
}

# The kernel lists them first, in state 0A, before what may be a hundred thousand connections.
listeners() {
  local ends='' state=''
  read -r _
  while read -r _ ends _ state _ && [ "$state" = 0A ]; do echo "$ends"; done
}
