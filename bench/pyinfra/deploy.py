# The same end as one real server of the benchmark, in pyinfra's words.
from pyinfra import host
from pyinfra.operations import server

for key, value in (("arp_ignore", 1), ("arp_announce", 2)):
    server.sysctl(name=key, key=f"net.ipv4.conf.all.{key}", value=value)

server.shell(name="VIPs", commands=host.data.bind)
