import { readFile } from "node:fs/promises";
import { RealServerError, type Remedy } from "../../domain/errors";
import { fileProblem, homePath } from "../files";
import type { OpensshConnection } from "../connection";
import { inAll, SSHD_LIMITS, TryAgain } from "../problems";
import { dialAgain, type DialBounds, type FailedTries } from "../redial";
import type { ConnectionTerms, Terms } from "../terms";
import type { Channel, DialOptions, Transport } from "../transport";
import { knownHostsText, sshArguments, type SshFiles } from "./arguments";
import { sshClient, type SshClient } from "./client";
import { configText, forcedOptions } from "./config";
import { privateFile, type PrivateFile } from "./private-file";
import { startSsh, type SshEnding } from "./process";
import { readEnd } from "./words";

/**
 * Has the user's own `ssh` log in, again while nobody answers. Host keys are its own affair, so none is
 * reported. A command goes over stdin: a server that takes no long one takes it, too, and that the shell
 * is there is known before the command says anything. The first command has the login that was dialled,
 * and each other one dials its own.
 *
 * @param terms what messages call what was given
 * @throws RealServerError `unreachable`, `authentication`, `host-key`, with ssh's own words;
 *   `unsupported` where there is no `ssh`, or one that is too old; `failed` where a config cannot be
 *   read; the signal's own error or `timed-out` when it is aborted
 */
export async function dialByOpenssh(
  connection: OpensshConnection,
  options: DialOptions,
  terms: ConnectionTerms,
): Promise<Transport> {
  const client = await sshClient(connection.ssh.command, terms.ssh);
  const way = { connection, client, terms };
  const channels: Channel[] = [];
  const { first } = options;
  const logIn = async (command: string | undefined) => {
    const channel = await dialOnce(way, options, command);
    channels.push(channel);
    return channel;
  };
  let dialled: Channel | undefined = await logIn(first);
  return {
    keys: {},
    longestCommand: Infinity,
    async exec(command) {
      const channel = dialled;
      dialled = undefined;
      if (channel === undefined || (first ?? command) !== command) return logIn(command);
      if (first === undefined) channel.stdin.write(lineOf(command));
      return channel;
    },
    close() {
      for (const channel of channels) channel.close();
    },
  };
}

/**
 * What the login shell runs: it says that it is there, and takes its command as a line of stdin. Any
 * login shell hands it on to sh.
 */
const LOGIN_COMMAND = `exec sh -c 'echo; IFS= read -r line && eval "$line"'`;

function lineOf(command: string): string {
  return `${command}\n`;
}

/** What is run, for which connection, and what messages call its parts. */
interface Way {
  readonly connection: OpensshConnection;
  readonly client: SshClient;
  readonly terms: ConnectionTerms;
}

/** @param first the command, where it is known; the shell has it as soon as it is there */
async function dialOnce(
  way: Way,
  options: DialOptions,
  first: string | undefined,
): Promise<Channel> {
  const { connection, client } = way;
  const { host, dialErrorLimit } = connection;
  const bounds: DialBounds = {
    deadline: performance.now() + options.connectSeconds * 1000,
    host,
    signal: options.signal,
    progress: (text) => options.progress(text),
  };
  return withFiles(way, (files) => {
    const words = sshArguments(connection, client, files, LOGIN_COMMAND);
    // What ssh said of an attempt tells more than that the last one was cut short.
    let told: TryAgain | undefined;
    let isShort = false;
    return dialAgain(
      {
        title: `${host} by ssh`,
        dialErrorLimit,
        attempt: (seconds) => {
          const input = first === undefined ? "" : lineOf(first);
          const run = { command: client.command, words, input };
          isShort = seconds < 1;
          return startSsh(run, { signal: options.signal, seconds }, (end) => {
            const problem = problemOf(way, files, end);
            if (problem instanceof TryAgain) told = problem;
            return problem;
          });
        },
        givenUp: (tries, cause) => unreachableBySsh(host, tries, (isShort && told) || cause),
      },
      bounds,
    );
  });
}

/** The files are there until somebody is in: ssh and its jumps have read them by then. */
async function withFiles<T>(
  { connection, client, terms }: Way,
  use: (files: SshFiles) => Promise<T>,
): Promise<T> {
  const { hostKey, ssh } = connection;
  const made: PrivateFile[] = [];
  const pathOf = async (text: string): Promise<string> => {
    const file = await privateFile(text);
    made.push(file);
    return file.path;
  };
  try {
    const userConfig = await userConfigOf(connection, terms);
    const user = userConfig === undefined ? "~/.ssh/config" : await pathOf(userConfig);
    const forced = forcedOptions((keyword) => client.knows(keyword));
    const config = await pathOf(configText({ forced, includes: [user, "/etc/ssh/ssh_config"] }));
    const knownHosts = hostKey === undefined ? undefined : await pathOf(knownHostsText(hostKey));
    return await use({ config, knownHosts, shown: { [user]: ssh.configFile ?? user } });
  } finally {
    await Promise.all(made.map((file) => file.remove()));
  }
}

/**
 * The text of a file that takes the place of the user's. It is not included by its name: ssh would take
 * one that is not there for empty, a name with a wildcard for several, and one that its group may write,
 * as in many a work tree, for an attack; with `-F` it does none of that.
 */
async function userConfigOf(
  { host, ssh }: OpensshConnection,
  terms: ConnectionTerms,
): Promise<string | undefined> {
  const { configFile } = ssh;
  if (configFile === undefined) return undefined;
  return readFile(homePath(configFile), "utf8").catch((error: unknown) => {
    const what = `${terms.ssh.configFile}: cannot read ${configFile}: ${fileProblem(error)}`;
    throw new RealServerError("failed", `${host}: ${what}.`, { host, cause: error });
  });
}

function problemOf({ connection, terms }: Way, { shown }: SshFiles, end: SshEnding): Error {
  const { host } = connection;
  const printed = Object.entries(shown).reduce(
    (text, [path, name]) => text.replaceAll(path, name),
    end.printed,
  );
  const { kind, words, asksForMore, hungUp } = readEnd(printed, end.ending);
  switch (kind) {
    case "again":
      return new TryAgain(words, hungUp ? "answered" : "nothing");
    case "host-key":
      return new RealServerError(
        kind,
        `${host}: ssh does not accept a host key on the way: ${words} ${hostKeyStep(connection, terms.host)}`,
        { host },
      );
    case "authentication":
      return new RealServerError(
        kind,
        `${host} does not let ssh in: ${words} Does "ssh ${host}" work without asking for anything? ` +
          (asksForMore
            ? "The host is left to ask for no key, but for a password, or for a second factor after a key: that cannot be answered here."
            : "Nobody is asked here for a password, a passphrase or a PIN: the key must be in an agent, or without a passphrase."),
        { host },
      );
    case "unsupported":
    case "failed":
      return new RealServerError(kind, `${host}: ssh cannot connect: ${words}`, { host });
  }
}

function hostKeyStep({ hostKey, host }: OpensshConnection, { full }: Terms): string {
  return hostKey === undefined
    ? `A key that ssh says nothing more of is one that it does not know: compare the fingerprint on the host's console, then let ssh know the key ("ssh ${host}" asks).`
    : `If it was rebuilt, compare the fingerprint on its console, then put its new key in ${full.hostKey ?? "its place"}.`;
}

/**
 * Neither ssh's words nor its config prove that nobody lives there, so no policy may forget the host;
 * and where somebody took the connection, people are not told how to, either.
 */
function unreachableBySsh(host: string, tries: FailedTries, cause: TryAgain): RealServerError {
  const answered = tries.signs.has("answered");
  const hint = answered ? ` If it is an sshd that ends the connection: ${SSHD_LIMITS}?` : "";
  const what = `${host} cannot be reached by ssh: ${inAll(tries, cause)}. Whether it is gone ssh cannot tell, so no policy forgets it.${hint}`;
  const remedies: Remedy[] = [
    ...(answered ? [] : [{ kind: "give-up-host" as const, host }]),
    { kind: "leave-out-host" },
  ];
  return new RealServerError("unreachable", what, { host, remedies, cause });
}
