import { RealServerError } from "../domain/errors";
import { hostNamedBy, type Target } from "./connection";
import { fileProblem, homePath } from "./files";
import { KeptFiles } from "./kept-files";
import { knownHostsName, linesFor, parseKnownHosts, type KnownHost } from "./known-hosts";

/** A line of one of several known hosts files. */
export interface LocatedHost extends KnownHost {
  /** The file's name, as the connection or `ssh` has it. */
  readonly file: string;
}

/** The lines of all known hosts files for one host, and what a person should know about the reading of them. */
export interface AllKnownHosts {
  readonly entries: readonly LocatedHost[];
  readonly warnings: readonly string[];
}

/**
 * Reads what the known hosts files that `ssh` reads say of a host, on its port and on 22: the user's, which `knownHostsFile` replaces as
 * `UserKnownHostsFile` does, and the machine's. One that is not there knows nobody.
 *
 * @throws RealServerError `host-key` when one of the user's cannot be read; the machine's is passed
 *   over with a warning then, because its owner is somebody else
 */
export async function readKnownHosts(target: Target): Promise<AllKnownHosts> {
  const { hop, title } = target;
  const user = hop.knownHostsFile === USER_FILES[0] ? USER_FILES : [hop.knownHostsFile];
  const names = [knownHostsName(hop.host, hop.port), knownHostsName(hop.host, 22)];
  const entries: LocatedHost[] = [];
  const warnings: string[] = [];
  for (const file of [...user, ...GLOBAL_FILES]) {
    try {
      const lines = await files.read(homePath(file));
      entries.push(...linesFor(lines, names).map((entry) => ({ ...entry, file })));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") continue;
      const problem = `${title}: cannot read known hosts ${file}: ${fileProblem(error)}`;
      if (user.includes(file))
        throw new RealServerError("host-key", `${problem}.`, {
          host: hostNamedBy(target),
          cause: error,
        });
      warnings.push(`${problem}. What it trusts and revokes is not known here.`);
    }
  }
  return { entries, warnings };
}

const files = new KeptFiles((text) => parseKnownHosts(text));

const USER_FILES = ["~/.ssh/known_hosts", "~/.ssh/known_hosts2"];
const GLOBAL_FILES = ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"];
