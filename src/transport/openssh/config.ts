import { quoted } from "../../domain/terminal";

/** An option of ssh_config and its value. */
export type SshOption = readonly [keyword: string, value: string];

/**
 * What must hold whatever a user's config says, on the way to the host and on every jump. Each of them
 * would, set otherwise, ask somebody, outlive the operation, take the channel away, or mix words of
 * ssh's own with the host's.
 *
 * @param knows whether this client has an option: one that it does not have would end it
 */
export function forcedOptions(knows: (keyword: string) => boolean): readonly SshOption[] {
  return [...FORCED, ...FORCED_WHERE_KNOWN.filter(([keyword]) => knows(keyword))];
}

const FORCED: readonly SshOption[] = [
  ["BatchMode", "yes"],
  // A client that is lost must mean a channel that is closed.
  ["ControlMaster", "no"],
  ["ControlPath", "none"],
  ["RequestTTY", "no"],
  ["RemoteCommand", "none"],
  ["PermitLocalCommand", "no"],
  ["ClearAllForwardings", "yes"],
  ["ForwardAgent", "no"],
  ["ForwardX11", "no"],
  ["LogLevel", "ERROR"],
];

/** Each is younger than 7.6. */
const FORCED_WHERE_KNOWN: readonly SshOption[] = [
  ["StdinNull", "no"],
  ["SessionType", "default"],
  ["ForkAfterAuthentication", "no"],
  ["LogVerbose", "none"],
];

/** What goes into the config file of the package's own. */
export interface ConfigParts {
  readonly forced: readonly SshOption[];
  /** Of the user's, and of the system's. One that is not there is passed over. */
  readonly includes: readonly string[];
}

/**
 * The config file that `ssh` is given in place of the user's. A jump is a child of ssh's that is given
 * the same file, and nothing of the command line: so what must hold for a bastion too stands here. ssh
 * keeps the first value that it finds, so our defaults come last.
 */
export function configText({ forced, includes }: ConfigParts): string {
  const lines = [
    ...forced,
    ...includes.map((path): SshOption => ["Include", inDoubleQuotes(path)]),
    // Whatever block the included files ended in.
    ["Match", "all"] as const,
    ...DEFAULTS,
  ];
  return lines.map((words) => `${words.join(" ")}\n`).join("");
}

/** What holds where nobody says anything else. A dead peer is noticed after 15 to 20 s. */
const DEFAULTS: readonly SshOption[] = [
  ["ConnectTimeout", "15"],
  ["ServerAliveInterval", "5"],
  ["ServerAliveCountMax", "3"],
];

/** One word in ssh_config: blanks part words, and an unquoted `#` begins a comment. */
export function inDoubleQuotes(word: string): string {
  return `"${word}"`;
}

/**
 * Why a text is no option to give to `ssh` as `-o`: a phrase that follows it; undefined where it is one.
 * What must hold may be repeated, and not contradicted: the option would have no effect.
 */
export function sshOptionProblem(option: string): string | undefined {
  const [, keyword = "", value = ""] =
    /^([A-Za-z][A-Za-z0-9]*)\s*[\s=]\s*(\S.*)$/.exec(option) ?? [];
  const name = keyword.toLowerCase();
  if (name === "") return "is not an option as in ssh_config, Keyword=value";
  if (/\p{Cc}/u.test(option)) return "holds a line break or another control character";
  if (["host", "match", "include"].includes(name))
    return "belongs in a file; give it as configFile";
  const [, wanted] = forcedOptions(() => true).find(([one]) => one.toLowerCase() === name) ?? [];
  return wanted === undefined || value.toLowerCase() === wanted.toLowerCase()
    ? undefined
    : `has no effect: ${quoted(`${keyword} ${wanted}`, 60)} always holds here`;
}
