import { readFile } from "node:fs/promises";
import type { ServerHostKeyAlgorithm } from "ssh2";
import { RealServerError } from "../domain/errors";
import { keysOf, knownHostsName, parseKnownHosts, type KnownHost } from "./known-hosts";
import type { Hop, Target } from "./connection";
import { fileProblem, homePath } from "./files";
import { fingerprint, readHostKey } from "./public-key";

/** What is known about a host's key before it is dialled. */
export interface HostKeyPolicy {
  /** What to offer in the key exchange; undefined on first contact: all there is. */
  readonly algorithms: ServerHostKeyAlgorithm[] | undefined;
  /** Why the key that the host offered is not accepted; undefined when it is. */
  judge(offered: Buffer): RealServerError | undefined;
  /** The error for a host that has no key of the types known. */
  noCommonType(): RealServerError;
}

/**
 * Who says what a host's key is, the first of them that says anything: `hostKey` of the
 * connection; the known hosts file; the pin. Where none does, any key is accepted, and the
 * transport reports it for pinning. A key that known hosts revokes is never accepted, except that
 * a given `hostKey` leaves known hosts unread.
 *
 * @param pin the key that the first contact saw, `ssh-ed25519 AAAA…`
 * @throws RealServerError `host-key` when a key cannot be parsed or known hosts cannot be read
 */
export async function hostKeyPolicy(
  target: Target,
  pin: string | undefined,
): Promise<HostKeyPolicy> {
  const { hop, path } = target;
  if (hop.hostKey !== undefined) {
    const wanted = parse(target, hop.hostKey, `${path}.hostKey`);
    return policy(target, [wanted], [], `${compare}, then put its new key in ${path}.hostKey.`);
  }
  const { trusted, revoked } = keysOf(await readKnownHosts(target), hop.host, hop.port);
  const usable = trusted.filter((entry) => algorithmsOf(entry.type).length > 0);
  if (usable.length > 0) {
    const wanted = usable.map((entry) => ({ ...entry, source: source(hop, entry) }));
    return policy(target, wanted, revoked, replaceKnownHost(hop));
  }
  if (pin === undefined) return policy(target, [], revoked, "");
  const wanted = parse(target, pin, "the pin from the first contact");
  return policy(target, [wanted], revoked, addKnownHost(hop));
}

interface WantedKey {
  readonly type: string;
  readonly key: string;
  readonly source: string;
}

function policy(
  target: Target,
  wanted: readonly WantedKey[],
  revoked: readonly KnownHost[],
  nextStep: string,
): HostKeyPolicy {
  const known = wanted.map((key) => `${shown(key.type, key.key)} (${key.source})`).join(", ");
  const offer = [...new Set(wanted.flatMap((key) => algorithmsOf(key.type)))];
  return {
    algorithms: offer.length > 0 ? offer : undefined,
    judge(offered) {
      const key = offered.toString("base64");
      const type = typeOf(offered);
      const ban = revoked.find((entry) => entry.key === key);
      if (ban !== undefined) {
        const who = source(target.hop, ban);
        return refusal(
          `${target.title} offers ${shown(type, key)}, which ${who} revokes. Give it a new key.`,
        );
      }
      if (wanted.length === 0 || wanted.some((entry) => entry.key === key)) return undefined;
      return refusal(
        `${target.title} offers the host key ${shown(type, key)}, and known is ${known}. ` +
          `Either it was rebuilt, or somebody is in between. ${nextStep}`,
      );
    },
    noCommonType: () =>
      refusal(`${target.title} has no host key of a known type; known is ${known}. ${nextStep}`),
  };
}

/**
 * A host that is known by one type of key is asked for that type only, else it might answer with
 * another of its keys, which proves nothing. An RSA key signs with any of three algorithms.
 */
function algorithmsOf(type: string): ServerHostKeyAlgorithm[] {
  switch (type) {
    case "ssh-rsa":
      return ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"];
    case "ssh-ed25519":
    case "ecdsa-sha2-nistp256":
    case "ecdsa-sha2-nistp384":
    case "ecdsa-sha2-nistp521":
      return [type];
    default:
      return [];
  }
}

function parse(target: Target, text: string, from: string): WantedKey {
  const { key, instead } = readHostKey(text);
  if (key !== undefined) return { ...key, source: from };
  throw refusal(`${target.title}: ${from} is not a host key${instead}.`);
}

async function readKnownHosts({ hop, title }: Target): Promise<KnownHost[]> {
  try {
    return parseKnownHosts(await readFile(homePath(hop.knownHostsFile), "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw refusal(
      `${title}: cannot read known hosts ${hop.knownHostsFile}: ${fileProblem(error)}.`,
      error,
    );
  }
}

function source(hop: Hop, entry: KnownHost): string {
  return `${hop.knownHostsFile} line ${entry.line}`;
}

/** The type and fingerprint, as `ssh` and `ssh-keygen -l` show them. */
function shown(type: string, key: string): string {
  return `${type} ${fingerprint(Buffer.from(key, "base64"))}`;
}

/** ssh2 has checked before that the blob's type is the negotiated one. */
function typeOf(blob: Buffer): string {
  return blob.toString("latin1", 4, 4 + blob.readUInt32BE(0));
}

const compare = "If it was rebuilt, compare the fingerprint on its console";

function replaceKnownHost(hop: Hop): string {
  const name = knownHostsName(hop.host, hop.port);
  return `${compare}, then: ` + `ssh-keygen -f ${hop.knownHostsFile} -R '${name}'; ${scan(hop)}`;
}

function addKnownHost(hop: Hop): string {
  return `${compare}, then: ${scan(hop)} ` + `(known hosts come before the pin)`;
}

function scan(hop: Hop): string {
  return `ssh-keyscan -p ${hop.port} ${hop.host} >> ${hop.knownHostsFile}`;
}

function refusal(message: string, cause?: unknown): RealServerError {
  return new RealServerError("host-key", message, { cause });
}
