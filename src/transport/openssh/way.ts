import { readFile } from "node:fs/promises";
import { RealServerError } from "../../domain/errors";
import type { OpensshConnection } from "../connection";
import { fileProblem, homePath } from "../files";
import { TryAgain } from "../problems";
import type { ConnectionTerms, Terms } from "../terms";
import { knownHostsText, type SshFiles } from "./arguments";
import type { SshClient } from "./client";
import { configText, forcedOptions } from "./config";
import { privateFile, type PrivateFile } from "./private-file";
import type { SshEnding } from "./process";
import { readEnd } from "./words";

/** What is run, for which connection, and what messages call its parts. */
export interface Way {
  readonly connection: OpensshConnection;
  readonly client: SshClient;
  readonly terms: ConnectionTerms;
}

/** The files are there until somebody is in: ssh and its jumps have read them by then. */
export async function withFiles<T>(
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

/** What an `ssh` that did not get in died of: TryAgain where that may pass by itself. */
export function problemOf({ connection, terms }: Way, { shown }: SshFiles, end: SshEnding): Error {
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
