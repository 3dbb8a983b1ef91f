import { createHmac } from "node:crypto";
import { readSshString } from "./ssh-string";

/** One usable line of a known hosts file, as sshd(8) describes it under SSH_KNOWN_HOSTS. */
export interface KnownHost {
  /** Counted from 1, for messages. */
  readonly line: number;
  /** What the key is for: undefined says that it is the host's. */
  readonly marker: "@revoked" | "@cert-authority" | undefined;
  /** Comma-separated patterns, or one hashed name. */
  readonly names: string;
  /** `ssh-ed25519` and the like. */
  readonly type: string;
  /** The key in base64, without its type. */
  readonly key: string;
}

/** What known hosts say about one host. */
export interface KnownKeys<Entry extends KnownHost = KnownHost> {
  readonly trusted: readonly Entry[];
  /** Keys that must never be accepted. */
  readonly revoked: readonly Entry[];
  /** Keys that may certify the host's own. */
  readonly authorities: readonly Entry[];
}

/**
 * Reads a known hosts file. Total: a line that cannot be read is passed over, as OpenSSH does.
 *
 * @param wanted Only the lines for one of these names. Default: all lines.
 */
export function parseKnownHosts(text: string, wanted?: readonly string[]): KnownHost[] {
  const all = text.split(/\r?\n/).flatMap((line, index) => parseLine(line, index + 1) ?? []);
  return wanted === undefined ? all : linesFor(all, wanted);
}

/** Those of the lines that are for one of the names. */
export function linesFor(lines: readonly KnownHost[], wanted: readonly string[]): KnownHost[] {
  return lines.filter(({ names }) => wanted.some((name) => matches(names, name)));
}

/**
 * The keys that `entries` trust and revoke for a host, under the name by which OpenSSH stores it:
 * the bare name on port 22, `[name]:port` on any other.
 */
export function keysOf<Entry extends KnownHost>(
  entries: readonly Entry[],
  host: string,
  port: number,
): KnownKeys<Entry> {
  const name = knownHostsName(host, port);
  const matching = entries.filter((entry) => matches(entry.names, name));
  const marked = (marker: KnownHost["marker"]): Entry[] =>
    matching.filter((entry) => entry.marker === marker);
  return {
    trusted: marked(undefined),
    revoked: marked("@revoked"),
    authorities: marked("@cert-authority"),
  };
}

/** The name of a host in a known hosts file: `10.0.0.1`, or `[10.0.0.1]:2222`. */
export function knownHostsName(host: string, port: number): string {
  const name = host.toLowerCase();
  return port === 22 ? name : `[${name}]:${port}`;
}

function parseLine(line: string, number: number): KnownHost | undefined {
  const fields = line.trim().split(/[ \t]+/);
  const marker = fields[0]?.startsWith("@") === true ? fields.shift() : undefined;
  const [names, type, key] = fields;
  if (names === undefined || names.startsWith("#") || type === undefined || key === undefined) {
    return undefined;
  }
  if (marker !== undefined && marker !== "@revoked" && marker !== "@cert-authority")
    return undefined;
  return isKeyOfType(key, type) ? { line: number, marker, names, type, key } : undefined;
}

/** A key's blob opens with its type's length and name (RFC 4253, 6.6). */
function isKeyOfType(key: string, type: string): boolean {
  const blob = Buffer.from(key, "base64");
  const name = readSshString(blob, 0);
  if (blob.toString("base64") !== key || name === undefined) return false;
  return blob.length > name.end && name.bytes.toString("latin1") === type;
}

function matches(names: string, name: string): boolean {
  if (names.startsWith("|")) return matchesHash(names, name);
  // Most lines by far, and every host of a fleet looks at all of them.
  if (!/[,*?!]/.test(names)) return names.toLowerCase() === name;
  const patterns = names.toLowerCase().split(",");
  // A negated pattern that matches wins over every other, wherever it stands on the line.
  const denied = patterns.some((p) => p.startsWith("!") && matchesPattern(p.slice(1), name));
  return !denied && patterns.some((p) => !p.startsWith("!") && matchesPattern(p, name));
}

/** `|1|salt|hash`: the HMAC-SHA1 of the name under the salt, both in base64. */
function matchesHash(hashed: string, name: string): boolean {
  const [, version, salt, hash] = hashed.split("|");
  if (version !== "1" || salt === undefined || hash === undefined) return false;
  return createHmac("sha1", Buffer.from(salt, "base64")).update(name).digest("base64") === hash;
}

/** `*` stands for any run of characters, `?` for any one. Linear, unlike a regular expression. */
function matchesPattern(pattern: string, name: string): boolean {
  let p = 0;
  let n = 0;
  let star = -1;
  let resume = 0;
  while (n < name.length) {
    if (pattern[p] === "*") {
      star = p++;
      resume = n;
    } else if (p < pattern.length && (pattern[p] === "?" || pattern[p] === name[n])) {
      p++;
      n++;
    } else if (star >= 0) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}
