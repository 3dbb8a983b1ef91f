import { execFile } from "node:child_process";
import { RealServerError } from "../../domain/errors";
import { excerpt } from "../../domain/terminal";
import type { SshTerms } from "../terms";

/** The user's `ssh`, as far as it must be known before it is run. */
export interface SshClient {
  /** Its path, or its name on PATH. */
  readonly command: string;
  /** Whether it has an option of ssh_config; one that it does not have ends it. */
  knows(keyword: string): boolean;
}

/**
 * Asks an `ssh` for its version and options; once in a process, for a fleet has one.
 *
 * @param terms what messages call what was given
 * @throws RealServerError `unsupported` where there is none, or one before 7.6
 */
export function sshClient(command: string, terms: SshTerms): Promise<SshClient> {
  const asked = clients.get(command) ?? ask(command, terms);
  clients.set(command, asked);
  // Somebody may install one.
  asked.catch(() => clients.delete(command));
  return asked;
}

/**
 * What is known of a client by its own words. Total.
 *
 * @param version what `ssh -V` printed
 * @param listing what `ssh -G` printed: options and values, one a line
 * @returns undefined where it is no OpenSSH of 7.6 or later, the first with RemoteCommand
 */
export function readClient(version: string, listing: string): Pick<SshClient, "knows"> | undefined {
  const [, major, minor] = /^OpenSSH_(?:for_Windows_)?(\d+)\.(\d+)/m.exec(version) ?? [];
  const number = Number(major) * 1000 + Number(minor);
  if (!(number >= 7006)) return undefined;
  const listed = new Set(listing.split("\n").map((line) => line.split(" ")[0]?.toLowerCase()));
  return {
    knows(keyword) {
      const since = UNLISTED[keyword];
      return since === undefined ? listed.has(keyword.toLowerCase()) : number >= since;
    },
  };
}

/** Options that `ssh -G` leaves out, in some versions or while they have no value, and since when they are. */
const UNLISTED: Readonly<Record<string, number>> = {
  ForkAfterAuthentication: 8007,
  KnownHostsCommand: 8005,
};

const clients = new Map<string, Promise<SshClient>>();

async function ask(command: string, terms: SshTerms): Promise<SshClient> {
  const [version, listing] = await Promise.all([
    run(command, ["-V"], terms),
    run(command, ["-F", "/dev/null", "-G", "-T", "localhost"], terms),
  ]);
  const known = readClient(version, listing);
  if (known !== undefined) return { command, ...known };
  const what = `${terms.ssh} needs OpenSSH 7.6 or later, and ${command} is ${excerpt(version) || "silent about its version"}`;
  throw new RealServerError("unsupported", what);
}

const SECONDS = 10;

/** @returns both streams of what it printed, however it ended */
function run(command: string, words: readonly string[], terms: SshTerms): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { timeout: SECONDS * 1000, killSignal: "SIGKILL" } as const;
    execFile(command, words, options, (error, stdout, stderr) => {
      const { code } = (error ?? {}) as { code?: unknown };
      if (typeof code === "string") reject(noClient(command, code, terms));
      else resolve(stdout + stderr);
    });
  });
}

function noClient(command: string, code: string, terms: SshTerms): RealServerError {
  const another = terms.command === undefined ? "put it on PATH" : `name it as ${terms.command}`;
  const why = code === "ENOENT" ? `there is no ${command}` : `${command} cannot be run (${code})`;
  return new RealServerError(
    "unsupported",
    `${terms.ssh}: ${why}: install the OpenSSH client, or ${another}`,
  );
}
