import { createHmac } from "node:crypto";

/** One usable line of a known hosts file, as sshd(8) describes it under SSH_KNOWN_HOSTS. */
export interface KnownHost {
  /** Counted from 1, for messages. */
  readonly line: number;
  /** The line names a key that must never be accepted. */
  readonly revoked: boolean;
  /** Comma-separated patterns, or one hashed name. */
  readonly names: string;
  /** `ssh-ed25519` and the like. */
  readonly type: string;
  /** The key in base64, without its type. */
  readonly key: string;
}

/** What a known hosts file says about one host. */
export interface KnownKeys {
  readonly trusted: readonly KnownHost[];
  readonly revoked: readonly KnownHost[];
}

/**
 * Reads a known hosts file. Total: a line that cannot be read is passed over, as OpenSSH does, and
 * so is `@cert-authority`, because host certificates are not offered.
 */
export function parseKnownHosts(text: string): KnownHost[] {
  return text.split(/\r?\n/).flatMap((line, index) => parseLine(line, index + 1) ?? []);
}

/**
 * The keys that `entries` trust and revoke for a host, under the name by which OpenSSH stores it:
 * the bare name on port 22, `[name]:port` on any other.
 */
export function keysOf(entries: readonly KnownHost[], host: string, port: number): KnownKeys {
  const name = knownHostsName(host, port);
  const matching = entries.filter((entry) => matches(entry.names, name));
  return {
    trusted: matching.filter((entry) => !entry.revoked),
    revoked: matching.filter((entry) => entry.revoked),
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
  if (marker !== undefined && marker !== "@revoked") return undefined;
  if (!isKeyOfType(key, type)) return undefined;
  return { line: number, revoked: marker === "@revoked", names, type, key };
}

/** A key's blob opens with its type's length and name (RFC 4253, 6.6). */
function isKeyOfType(key: string, type: string): boolean {
  const blob = Buffer.from(key, "base64");
  if (blob.toString("base64") !== key || blob.length < 4) return false;
  const end = 4 + blob.readUInt32BE(0);
  return blob.length > end && blob.toString("latin1", 4, end) === type;
}

function matches(names: string, name: string): boolean {
  if (names.startsWith("|")) return matchesHash(names, name);
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
