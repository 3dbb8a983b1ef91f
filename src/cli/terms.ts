import type { ConnectionTerms, Terms } from "../transport/terms";

/** What the command calls the parts of a connection: its options, and its variables. */
export const COMMAND_TERMS: ConnectionTerms = {
  host: termsOf("the command line", "PULUMI_LVS_DR_PASSWORD"),
  proxy: termsOf("--proxy", "PULUMI_LVS_DR_PROXY_PASSWORD"),
  ssh: { ssh: "--ssh", configFile: "-F CONFIGFILE", command: undefined },
};

/**
 * What is wrong with a command line whose connection fails the check.
 *
 * @param path Of the bad part, as the check names it: `connection.proxy.user`.
 */
export function commandComplaint(path: string): string {
  return COMPLAINTS[path] ?? "the host cannot be reached by what is given; see --help";
}

function termsOf(hop: string, password: string): Terms {
  const common = {
    privateKey: "-i KEYFILE",
    privateKeyPassword: "PULUMI_LVS_DR_KEY_PASSPHRASE",
    agentSocketPath: "SSH_AUTH_SOCK",
    password,
  };
  const full = { ...common, privateKeyFile: "the key file" };
  return { hop, full, short: { ...common, privateKeyFile: "-i KEYFILE" } };
}

const NO_WAY_IN =
  "no way to authenticate: ~/.ssh has no key that can be read (PULUMI_LVS_DR_KEY_PASSPHRASE " +
  "decrypts one); give -i KEYFILE, start an agent (SSH_AUTH_SOCK)";
const NO_HOST = "is not a host name or an IP address";
const NO_LINE = "is empty, or holds a line break or another control character";

const COMPLAINTS: Readonly<Record<string, string>> = {
  connection: `${NO_WAY_IN}, or set PULUMI_LVS_DR_PASSWORD`,
  "connection.host": `the host ${NO_HOST}`,
  "connection.user": `the user before @ ${NO_LINE}`,
  "connection.privateKeyFile": "-i KEYFILE is not the name of a file",
  "connection.knownHostsFile": "--known-hosts FILE is not the name of a file",
  "connection.sudoPassword": `PULUMI_LVS_DR_SUDO_PASSWORD ${NO_LINE}`,
  "connection.proxy": `${NO_WAY_IN}, or set PULUMI_LVS_DR_PROXY_PASSWORD`,
  "connection.proxy.host": `the host of --proxy ${NO_HOST}`,
  "connection.proxy.user": `the user of --proxy ${NO_LINE}`,
  "connection.proxy.privateKeyFile": "-i KEYFILE is not the name of a file",
  "connection.proxy.knownHostsFile": "--known-hosts FILE is not the name of a file",
};
