import type { OpensshConnection } from "../connection";
import { homePath } from "../files";
import type { Endpoint } from "../transport";
import { forcedOptions, inDoubleQuotes, type SshOption } from "./config";
import type { SshClient } from "./client";

/** Files that `ssh` reads, of the package's own. */
export interface SshFiles {
  /** What {@link configText} makes. */
  readonly config: string;
  /** Known hosts with `hostKey` alone; undefined where none is given. */
  readonly knownHosts: string | undefined;
  /** How messages name files of ours that stand for one of the user's, by their paths. */
  readonly shown: Readonly<Record<string, string>>;
}

/**
 * The words after `ssh`. What must hold comes first, for ssh keeps the first value that it finds, then
 * what the connection gives, then its `options`; all else is left to the config file. What stands here is
 * for this hop alone: no bastion is judged by the host's key, or entered as its user.
 *
 * @param command what the login shell runs
 */
export function sshArguments(
  connection: OpensshConnection,
  client: SshClient,
  files: SshFiles,
  command: string,
): string[] {
  return [
    "-F",
    files.config,
    ...optionWords(connection, client, files),
    "--",
    connection.host,
    command,
  ];
}

/**
 * The words for an `ssh` whose stdin and stdout are a connection of the host's own to somewhere. That
 * it is made ssh says nowhere but in its log: see {@link saysConnected}.
 */
export function forwardArguments(
  connection: OpensshConnection,
  client: SshClient,
  files: SshFiles,
  to: Endpoint,
): string[] {
  const options = optionWords(connection, client, files);
  const place = `[${to.address}]:${to.port}`;
  // First, because ssh keeps the first value that it finds.
  const log = ["-o", "LogLevel=DEBUG2"];
  return ["-F", files.config, ...log, ...options, "-W", place, "--", connection.host];
}

function optionWords(
  connection: OpensshConnection,
  client: SshClient,
  files: SshFiles,
): readonly string[] {
  const given = [
    ...forcedOptions((keyword) => client.knows(keyword)),
    ...(files.knownHosts === undefined ? [] : onlyKeyIn(files.knownHosts, client)),
    ...wayOptions(connection),
  ].map(([keyword, value]) => `${keyword}=${value}`);
  return [...given, ...(connection.ssh.options ?? [])].flatMap((one) => ["-o", one]);
}

/** A line of known hosts that is about whichever host is asked for. */
export function knownHostsText(hostKey: string): string {
  return `* ${hostKey.trim()}\n`;
}

/** That file and no other source: with one more of them, another key could pass for the host's. */
function onlyKeyIn(knownHosts: string, client: SshClient): SshOption[] {
  return [
    ["UserKnownHostsFile", knownHosts],
    ["GlobalKnownHostsFile", "/dev/null"],
    ...(client.knows("KnownHostsCommand") ? [["KnownHostsCommand", "none"] as const] : []),
    ["VerifyHostKeyDNS", "no"],
    ["NoHostAuthenticationForLocalhost", "no"],
    ["StrictHostKeyChecking", "yes"],
    ["UpdateHostKeys", "no"],
  ];
}

function wayOptions(connection: OpensshConnection): SshOption[] {
  const { port, user, privateKeyFile, agentSocketPath, knownHostsFile, hostKey } = connection;
  const { perDialTimeout: seconds } = connection;
  const known = hostKey === undefined ? knownHostsFile : undefined;
  return [
    ...(port === undefined ? [] : [["Port", String(port)] as const]),
    ...(user === undefined ? [] : [["User", inDoubleQuotes(user)] as const]),
    ...(privateKeyFile === undefined ? [] : identity(privateKeyFile)),
    ...(agentSocketPath === undefined ? [] : [["IdentityAgent", file(agentSocketPath)] as const]),
    ...(known === undefined ? [] : [["UserKnownHostsFile", file(known)] as const]),
    ...(seconds === undefined
      ? []
      : [["ConnectTimeout", seconds === 0 ? "none" : String(seconds)] as const]),
  ];
}

function identity(privateKeyFile: string): SshOption[] {
  return [
    ["IdentityFile", file(privateKeyFile)],
    ["IdentitiesOnly", "yes"],
  ];
}

/** `%` begins a token of ssh_config (TOKENS there). */
function file(path: string): string {
  return inDoubleQuotes(homePath(path).replaceAll("%", "%%"));
}
