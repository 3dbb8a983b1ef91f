import { parseArgs } from "node:util";
import { numberOf, MOST_PORT, placeOf, SSH_URL, type Place } from "./place";
import { UsageError } from "./usage";

/** What a command line asks for. */
export type Command =
  | { readonly kind: "help" }
  | { readonly kind: "version" }
  | InspectCommand
  | {
      readonly kind: "release";
      readonly way: Way;
      /** An owner's id or whole name. */
      readonly owner: string;
      readonly yes: boolean;
      readonly sysctls: "restore" | "leave";
    };

/** What `inspect` is to look at, and how. */
export interface InspectCommand {
  readonly kind: "inspect";
  /** Those that were typed: at least one where there is no `hostsFile`. */
  readonly hosts: readonly Way[];
  /** A file with more of them, a line each; `-` is the standard input. */
  readonly hostsFile: string | undefined;
  /** How many hosts are looked at together, at most. */
  readonly atOnce: number;
  readonly login: Login;
  readonly json: boolean;
  readonly names: readonly string[];
}

/** What a command line says of all its hosts. */
export interface Login {
  readonly port: number | undefined;
  readonly keyFile: string | undefined;
  readonly knownHostsFile: string | undefined;
  readonly sudo: boolean;
  readonly proxy: Place | undefined;
  /** By the user's own ssh, with this file in place of its config where one is given. */
  readonly ssh: { readonly configFile?: string } | undefined;
  readonly connectSeconds: number;
}

/** How to get to a host, as far as the command line says it. */
export interface Way extends Login {
  readonly host: string;
  readonly user: string | undefined;
}

/** Reads the words after the program's name. @throws UsageError */
export function parseCommandLine(words: readonly string[]): Command {
  const { values, positionals } = optionsIn(words);
  if (values.help || (words.length === 1 && words[0] === "help")) return { kind: "help" };
  if (values.version) return { kind: "version" };
  const [verb, ...hosts] = positionals;
  switch (verb) {
    case "inspect":
      return inspectCommand(hosts, values);
    case "release":
      return releaseCommand(hosts, values);
    default:
      throw new UsageError(verb === undefined ? "no command" : "there is no such command");
  }
}

/**
 * The way to a host that is named `[user@]host`, or `ssh://[user@]host[:port]`.
 *
 * @throws UsageError where it is not
 */
export function wayTo(text: string, login: Login): Way {
  const { host, user, port } = placeOf(text);
  if (port !== undefined && !SSH_URL.test(text))
    throw new UsageError("a port is given with -p, or as ssh://[user@]host:port");
  return { ...login, host, user, port: login.port ?? port };
}

const OPTIONS = {
  json: { type: "boolean" },
  name: { type: "string", multiple: true },
  hosts: { type: "string" },
  "at-once": { type: "string" },
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

function inspectCommand(hosts: readonly string[], values: Values): InspectCommand {
  const { owner, yes, "leave-sysctls": leaveSysctls, hosts: hostsFile } = values;
  refuseFor("inspect", { owner, yes, "leave-sysctls": leaveSysctls });
  if (hosts.length === 0 && hostsFile === undefined) throw new UsageError("which host?");
  const login = loginOf(values);
  return {
    ...{ kind: "inspect", hostsFile, login },
    hosts: hosts.map((text) => wayTo(text, login)),
    atOnce: numberOf("--at-once", values["at-once"], MOST_AT_ONCE) ?? AT_ONCE,
    json: values.json ?? false,
    names: values.name ?? [],
  };
}

function releaseCommand([host, ...more]: readonly string[], values: Values): Command {
  const { json, name, hosts, "at-once": atOnce, owner } = values;
  if (host === undefined) throw new UsageError("which host?");
  if (more.length > 0) throw new UsageError("one host at a time");
  const way = wayTo(host, loginOf(values));
  refuseFor("release", { json, name, hosts, "at-once": atOnce });
  if (!owner) throw new UsageError("release needs --owner; inspect lists the owners");
  const sysctls = values["leave-sysctls"] ? "leave" : "restore";
  return { kind: "release", way, owner, yes: values.yes ?? false, sysctls };
}

function loginOf(values: Values): Login {
  const ssh = sshOf(values);
  if (ssh !== undefined && values.proxy !== undefined)
    throw new UsageError("--proxy does not go with --ssh; ssh goes by ProxyJump in its config");
  return {
    port: numberOf("-p", values.port, MOST_PORT),
    keyFile: values.identity,
    knownHostsFile: values["known-hosts"],
    sudo: values.sudo ?? false,
    proxy: values.proxy === undefined ? undefined : placeOf(values.proxy),
    ssh,
    connectSeconds: numberOf("--timeout", values.timeout, MOST_SECONDS) ?? 15,
  };
}

function sshOf(values: Values): Login["ssh"] {
  const configFile = values["config-file"];
  if (configFile !== undefined) return { configFile };
  return values.ssh ? {} : undefined;
}

const MOST_SECONDS = 86_400;
const AT_ONCE = 16;
const MOST_AT_ONCE = 256;

function refuseFor(verb: string, values: Record<string, unknown>): void {
  const given = Object.keys(values).find((name) => values[name] !== undefined);
  if (given !== undefined) throw new UsageError(`${verb} takes no --${given}`);
}
