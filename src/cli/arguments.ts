import { parseArgs } from "node:util";
import { isIP } from "node:net";

/** What a command line asks for. */
export type Command =
  | { readonly kind: "help" }
  | { readonly kind: "version" }
  | {
      readonly kind: "inspect";
      readonly way: Way;
      readonly json: boolean;
      readonly names: readonly string[];
    }
  | {
      readonly kind: "release";
      readonly way: Way;
      /** An owner's id or whole name. */
      readonly owner: string;
      readonly yes: boolean;
      readonly sysctls: "restore" | "leave";
    };

/** How to get to the host, as far as the command line says it. */
export interface Way {
  readonly host: string;
  readonly user: string | undefined;
  readonly port: number | undefined;
  readonly keyFile: string | undefined;
  readonly knownHostsFile: string | undefined;
  readonly sudo: boolean;
  readonly proxy: Place | undefined;
  /** By the user's own ssh, with this file in place of its config where one is given. */
  readonly ssh: { readonly configFile?: string } | undefined;
  readonly connectSeconds: number;
}

/** `user@host:port`, taken apart. */
export interface Place {
  readonly host: string;
  readonly user: string | undefined;
  readonly port: number | undefined;
}

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

  /** For people. */
  get lines(): readonly string[] {
    return [this.message, ...this.details];
  }
}

/** What `--help` prints. */
export const USAGE = `Usage: pulumi-lvs-dr inspect [options] [user@]host
       pulumi-lvs-dr release --owner ID [options] [user@]host

inspect tells what is on a real server, on a director, or on a host to be one, and changes nothing
there: VIPs on lo, who claims them, what is stale, which NICs leak and why; of a director its IPVS
services, their destinations and connections, who declares them, and what bites there one day.

  --json             for programs
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
NAME ends on the host's own lo; 2 wrong usage, or the host could not be inspected.
Of release: 0 done; 2 not done. Of both: 130 interrupted.
`;

/** Reads the words after the program's name. @throws UsageError */
export function parseCommandLine(words: readonly string[]): Command {
  const { values, positionals } = optionsIn(words);
  if (values.help || (words.length === 1 && words[0] === "help")) return { kind: "help" };
  if (values.version) return { kind: "version" };
  const [verb, host, ...more] = positionals;
  if (verb !== "inspect" && verb !== "release")
    throw new UsageError(verb === undefined ? "no command" : "there is no such command");
  if (host === undefined) throw new UsageError("which host?");
  if (more.length > 0) throw new UsageError("one host at a time");
  const way = wayOf(host, values);
  if (verb === "inspect") {
    refuseFor("inspect", {
      owner: values.owner,
      yes: values.yes,
      "leave-sysctls": values["leave-sysctls"],
    });
    return { kind: "inspect", way, json: values.json ?? false, names: values.name ?? [] };
  }
  refuseFor("release", { json: values.json, name: values.name });
  if (!values.owner) throw new UsageError("release needs --owner; inspect lists the owners");
  const sysctls = values["leave-sysctls"] ? "leave" : "restore";
  return { kind: "release", way, owner: values.owner, yes: values.yes ?? false, sysctls };
}

const OPTIONS = {
  json: { type: "boolean" },
  name: { type: "string", multiple: true },
  owner: { type: "string" },
  yes: { type: "boolean" },
  "leave-sysctls": { type: "boolean" },
  port: { type: "string", short: "p" },
  identity: { type: "string", short: "i" },
  sudo: { type: "boolean" },
  proxy: { type: "string" },
  ssh: { type: "boolean" },
  "config-file": { type: "string", short: "F" },
  "known-hosts": { type: "string" },
  timeout: { type: "string" },
  help: { type: "boolean", short: "h" },
  version: { type: "boolean" },
} as const;

function optionsIn(words: readonly string[]) {
  try {
    return parseArgs({ args: [...words], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    // Node's own words, which may go on for lines.
    const text = error instanceof Error ? error.message : "cannot be read";
    const [first = "", ...more] = text.split("\n").map((line) => line.trim());
    throw new UsageError(first, more);
  }
}

type Values = ReturnType<typeof optionsIn>["values"];

function wayOf(text: string, values: Values): Way {
  const { host, user, port } = placeOf(text);
  if (port !== undefined && !SSH_URL.test(text)) throw new UsageError("a port is given with -p");
  const ssh = sshOf(values);
  if (ssh !== undefined && values.proxy !== undefined)
    throw new UsageError("--proxy does not go with --ssh; ssh goes by ProxyJump in its config");
  return {
    ...{ host, user },
    port: numberOf("-p", values.port, MOST_PORT) ?? port,
    keyFile: values.identity,
    knownHostsFile: values["known-hosts"],
    sudo: values.sudo ?? false,
    proxy: values.proxy === undefined ? undefined : placeOf(values.proxy),
    ssh,
    connectSeconds: numberOf("--timeout", values.timeout, MOST_SECONDS) ?? 15,
  };
}

function sshOf(values: Values): Way["ssh"] {
  const configFile = values["config-file"];
  if (configFile !== undefined) return { configFile };
  return values.ssh ? {} : undefined;
}

const MOST_PORT = 65_535;
const MOST_SECONDS = 86_400;
/** As ssh takes it (ssh(1), "destination"). */
const SSH_URL = /^ssh:\/\//;

/** What is wrong with it is not repeated: it may hold a password. */
function placeOf(text: string): Place {
  const destination = text.replace(SSH_URL, "");
  const at = destination.lastIndexOf("@");
  const user = at < 0 ? undefined : destination.slice(0, at);
  const place = destination.slice(at + 1);
  if (user?.includes(":"))
    throw new UsageError("a password never stands on a command line; see --help");
  if (user === "") throw new UsageError("the user before @ is empty");
  if (isIP(place) !== 0) return { host: place, user, port: undefined };
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:/[\]]*))(?::(\d+))?$/.exec(place) ?? [];
  const host = bracketed ?? plain;
  if (!host) throw new UsageError("the host is to be [user@]host, or ssh://[user@]host[:port]");
  return { host, user, port: numberOf("the port", port, MOST_PORT) };
}

function numberOf(what: string, text: string | undefined, most: number): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,5}$/.test(text) || Number(text) < 1 || Number(text) > most)
    throw new UsageError(`${what} is not a whole number from 1 to ${most}`);
  return Number(text);
}

function refuseFor(verb: string, values: Record<string, unknown>): void {
  const given = Object.keys(values).find((name) => values[name] !== undefined);
  if (given !== undefined) throw new UsageError(`${verb} takes no --${given}`);
}
