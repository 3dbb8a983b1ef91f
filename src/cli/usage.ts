/** What `--help` prints. */
export const USAGE = `Usage: pulumi-lvs-dr inspect [options] [user@]host...
       pulumi-lvs-dr release --owner ID [options] [user@]host

inspect tells what is on a real server, on a director, or on a host to be one, and changes nothing
there: VIPs on lo, who claims them, what is stale, which NICs leak and why; of a director its IPVS
services, their destinations and connections, who declares them, and what bites there one day. Of
several hosts a summary comes last: who has which VIP, what leaks or is stale, who was not reached.

  --json             for programs
  --hosts FILE       more hosts, one a line, lines with # are comments; - is the standard input
  --at-once N        look at so many hosts at a time; default 16
  --name NAME        resolve NAME on the host: does it end on an address of its own lo,
                     and does anything listen there? May be given several times

release withdraws an owner that no stack will ever withdraw, with the care of a destroy: its VIPs,
its service on a director, its record, and the sysctls that nobody else needs. Nothing is drained.

  --owner ID         the owner's id or whole name, as inspect lists them
  --yes              do not ask
  --leave-sysctls    leave the sysctls as they are

Both:
  -p PORT            default 22
  -i KEYFILE         private key; default: ~/.ssh/id_ed25519, id_ecdsa or id_rsa, the first that
                     is there and can be read, and then the agent of SSH_AUTH_SOCK
  --sudo             become root with sudo; default for any user but root
  --proxy [USER@]HOST[:PORT]
                     the bastion to go through, with the same key
  --ssh              connect with your own ssh and its config: host may be an alias, and ssh decides
                     what is not given, user, port and keys too
  -F CONFIGFILE      the same, with this file in place of ~/.ssh/config
  --known-hosts FILE default ~/.ssh/known_hosts
  --timeout SECONDS  for all dialling; default 15
  --help, --version

An IPv6 address is written as user@::1 or user@[::1]. The user is root unless given, or by --ssh.
Passwords come from the environment alone: PULUMI_LVS_DR_PASSWORD, PULUMI_LVS_DR_SUDO_PASSWORD,
PULUMI_LVS_DR_KEY_PASSPHRASE, PULUMI_LVS_DR_PROXY_PASSWORD.

Exit status of inspect: 0 nothing wrong; 1 something leaks, is stale or was left half done, or a
NAME ends on the host's own lo; 2 wrong usage, or the host could not be inspected;
of several hosts, the highest of theirs.
Of release: 0 done; 2 not done. Of both: 130 interrupted.
`;

/** A command line that cannot be carried out. */
export class UsageError extends Error {
  override readonly name = "UsageError";

  constructor(
    message: string,
    /** Lines below the message. */
    private readonly details: readonly string[] = [],
  ) {
    super(message);
  }

  /** The same with where it stands: `hosts.txt line 3`. */
  at(place: string): UsageError {
    return new UsageError(`${place}: ${this.message}`, this.details);
  }

  /** For people. */
  get lines(): readonly string[] {
    return [this.message, ...this.details];
  }
}
