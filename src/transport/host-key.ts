import type { ServerHostKeyAlgorithm } from "ssh2";
import { type FailureDetails, RealServerError } from "../domain/errors";
import { keysOf, knownHostsName } from "./known-hosts";
import { readKnownHosts, type LocatedHost } from "./known-hosts-files";
import { hostNamedBy, type Hop, type Target } from "./connection";
import { fingerprint, readHostKey } from "./public-key";

/** What is known about a host's key before it is dialled. */
export interface HostKeyPolicy {
  /** What to offer in the key exchange; undefined on first contact: all there is. */
  readonly algorithms: ServerHostKeyAlgorithm[] | undefined;
  /** What a person should know before the host is dialled, a sentence each. */
  readonly warnings: readonly string[];
  /** Why the key that the host offered is not accepted; undefined when it is. */
  judge(offered: Buffer): RealServerError | undefined;
  /**
   * The error for a host that has no key of the types known.
   *
   * @param offers the algorithms of the keys that it has, as it names them
   */
  noCommonType(offers: string): RealServerError;
}

/**
 * Who says what a host's key is, the first of them that says anything: `hostKey` of the
 * connection; known hosts, the user's and the machine's alike; the pin. Where none does, any key is
 * accepted, and the transport reports it for pinning. A key that known hosts revoke is never
 * accepted, except that a given `hostKey` leaves known hosts unread.
 *
 * @param pin the key that the first contact saw, `ssh-ed25519 AAAA…`
 * @throws RealServerError `host-key` when a key cannot be parsed, known hosts cannot be read, or
 *   they know the host by nothing but keys that cannot be checked here
 */
export async function hostKeyPolicy(
  target: Target,
  pin: string | undefined,
): Promise<HostKeyPolicy> {
  const { hop, terms } = target;
  if (hop.hostKey !== undefined) {
    const given = terms.full.hostKey ?? "the key given";
    const wanted = [parse(target, hop.hostKey, given)];
    const nextStep = `${compare}, then put its new key in ${given}.`;
    return policy(target, { wanted, nextStep });
  }
  const { entries, warnings } = await readKnownHosts(target);
  const { trusted, revoked, authorities } = keysOf(entries, hop.host, hop.port);
  if (trusted.length > 0) {
    const wanted = usable(target, trusted).map((entry) => ({ ...entry, source: source(entry) }));
    const nextStep = replaceKnownHost(hop, trusted);
    return policy(target, { wanted, revoked, warnings, nextStep });
  }
  // As ssh does: where nobody knows the host on its port, what is known of port 22 is as good.
  const bare = keysOf(entries, hop.host, 22);
  const [authority] = [...authorities, ...bare.authorities];
  const common = { revoked: [...revoked, ...bare.revoked], alsoTrusted: bare.trusted };
  if (pin === undefined) {
    const unproved = authority === undefined ? [] : [authorityNotUsed(target, authority)];
    return policy(target, { ...common, warnings: [...warnings, ...unproved] });
  }
  const wanted = [parse(target, pin, "the pin from the first contact")];
  return policy(target, { ...common, wanted, warnings, nextStep: addKnownHost(hop, authority) });
}

interface Knowledge {
  readonly wanted?: readonly WantedKey[];
  readonly revoked?: readonly LocatedHost[];
  /** Accepted as well, and not asked for. */
  readonly alsoTrusted?: readonly LocatedHost[];
  readonly warnings?: readonly string[];
  /** What to do where the key is not the one that is wanted. */
  readonly nextStep?: string;
}

interface WantedKey {
  readonly type: string;
  readonly key: string;
  readonly source: string;
}

function policy(target: Target, knowledge: Knowledge): HostKeyPolicy {
  const { wanted = [], revoked = [], alsoTrusted = [], warnings = [], nextStep = "" } = knowledge;
  const known = wanted.map((key) => `${keyInWords(key.type, key.key)} (${key.source})`).join(", ");
  const offer = [...new Set(wanted.flatMap((key) => algorithmsOf(key.type)))];
  return {
    algorithms: offer.length > 0 ? offer : undefined,
    warnings,
    judge(offered) {
      const key = offered.toString("base64");
      const type = typeOf(offered);
      const ban = revoked.find((entry) => entry.key === key);
      if (ban !== undefined) {
        return refusal(
          target,
          `${target.title} offers ${keyInWords(type, key)}, which ${source(ban)} revokes. Give it a new key.`,
        );
      }
      if (wanted.length === 0) return undefined;
      if ([...wanted, ...alsoTrusted].some((entry) => entry.key === key)) return undefined;
      return refusal(
        target,
        `${target.title} offers the host key ${keyInWords(type, key)}, and known is ${known}. ` +
          `Either it was rebuilt, or somebody is in between. ${nextStep}`,
        { observed: keyInWords(type, key), wanted: known },
      );
    },
    noCommonType: (offers) =>
      refusal(
        target,
        `${target.title} has no host key of a known type; known is ${known}; ` +
          `it offers ${offers}. ${nextStep}`,
        { observed: offers, wanted: known },
      ),
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
  throw refusal(target, `${target.title}: ${from} is not a host key${instead}.`);
}

/** A host that is known by other types of key alone must not pass for one that nobody knows. */
function usable(target: Target, trusted: readonly LocatedHost[]): readonly LocatedHost[] {
  const found = trusted.filter((entry) => algorithmsOf(entry.type).length > 0);
  if (found.length > 0) return found;
  const lines = trusted.map((entry) => `${entry.type} (${source(entry)})`).join(", ");
  throw refusal(
    target,
    `${target.title} is known by keys that cannot be checked here alone: ${lines}. ` +
      `Compare one of its other keys on its console, then: ${scan(target.hop)}`,
  );
}

function authorityNotUsed(target: Target, authority: LocatedHost): string {
  const { hop, title, terms } = target;
  const given = terms.full.hostKey;
  return (
    `${title}: ${source(authority)} (@cert-authority) was not used, because host certificates are ` +
    `not checked here, and nothing else is known of this host: whatever key it has is accepted. ` +
    `To prove it${given === undefined ? "" : `, give the key as ${given}, or`}: ${scan(hop)}`
  );
}

function source({ file, line }: LocatedHost): string {
  return `${file} line ${line}`;
}

/** The type and fingerprint, as `ssh` and `ssh-keygen -l` show them. */
function keyInWords(type: string, key: string): string {
  return `${type} ${fingerprint(Buffer.from(key, "base64"))}`;
}

/** ssh2 has checked before that the blob's type is the negotiated one. */
function typeOf(blob: Buffer): string {
  return blob.toString("latin1", 4, 4 + blob.readUInt32BE(0));
}

const compare = "If it was rebuilt, compare the fingerprint on its console";

function replaceKnownHost(hop: Hop, trusted: readonly LocatedHost[]): string {
  const name = knownHostsName(hop.host, hop.port);
  const files = [...new Set(trusted.map(({ file }) => file))];
  const removals = files.map((file) => `ssh-keygen -f ${file} -R '${name}'; `);
  return `${compare}, then: ${removals.join("")}${scan(hop)}`;
}

function addKnownHost(hop: Hop, authority: LocatedHost | undefined): string {
  const unused =
    authority === undefined ? "" : `; ${source(authority)}, a @cert-authority, is not used here`;
  return `${compare}, then: ${scan(hop)} (known hosts come before the pin${unused})`;
}

function scan(hop: Hop): string {
  return `ssh-keyscan -p ${hop.port} ${hop.host} >> ${hop.knownHostsFile}`;
}

function refusal(
  target: Target,
  message: string,
  difference: Pick<FailureDetails, "observed" | "wanted"> = {},
): RealServerError {
  return new RealServerError("host-key", message, { host: hostNamedBy(target), ...difference });
}
