# Where a real server's boot finds what it needs, and where it says how it went.

registry=/var/lib/lvs-dr
journal=$registry/journal
outcome=/run/pulumi-lvs-dr.boot # what the replay of this boot has to say
