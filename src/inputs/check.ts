import * as z from "zod";
import { compareVips, parseVip } from "../domain/address";
import { globProblem, interfaceNameProblem } from "../domain/arp";
import { connectionFields, connectionInput, hopFields } from "./connection";
import { RealServerError } from "../domain/errors";
import { type Failure, failureOf, type Path, unknownInput } from "./failure";
import {
  type Complaint,
  either,
  flag,
  isRecord,
  known,
  line,
  list,
  oneOf,
  wanted,
  wholeNumber,
  withoutAbsent,
} from "./values";
import { readConnection } from "./stored";
import type { Connection } from "../transport/connection";

/**
 * Checks a program's inputs. Pure and offline: no file is read and no name is looked up; of the
 * environment it only asks whether `SSH_AUTH_SOCK` is set.
 *
 * Values that only the update will know pass everywhere, and so does `__provider`; null is absent.
 *
 * @param news The inputs as the engine hands them over.
 * @returns `failures`, one for each bad input. Where there are none, `inputs` are canonical: VIPs
 *   without prefix, sorted, unknown ones at the end; defaults applied, except in `connection`,
 *   which keeps only what was given, so that the state stays small. Else they are as given.
 */
export function checkInputs(news: unknown): {
  inputs: Record<string, unknown>;
  failures: Failure[];
} {
  return check(inputs, news);
}

/**
 * Reads a connection that is given as plain values: the rules and messages of the input.
 *
 * @throws RealServerError of kind `refused`, with a sentence for each bad field.
 */
export function parseConnection(connection: unknown): Connection {
  const { inputs: checked, failures } = check(connectionAlone, { connection });
  if (failures.length === 0) return readConnection(checked["connection"]);
  throw new RealServerError("refused", failures.map(({ reason }) => reason).join("; "));
}

function check(
  schema: z.ZodType<Record<string, unknown>>,
  news: unknown,
): { inputs: Record<string, unknown>; failures: Failure[] } {
  const result = schema.safeParse(news);
  if (result.success) return { inputs: result.data, failures: [] };
  const failures = new Map<string, Failure>();
  for (const failure of result.error.issues.flatMap((issue) => failuresOf(issue, news))) {
    if (!failures.has(failure.path)) failures.set(failure.path, failure);
  }
  return { inputs: isRecord(news) ? news : {}, failures: [...failures.values()] };
}

const arpFields = {
  ignore: known(
    z.literal([1, 2], {
      error: ({ input }) => `{} is neither 1 nor 2${whyNotIgnore(input)}`,
    }),
  ).prefault(1),
  announce: known(z.literal(2, "{} is not 2, the only value that never announces a VIP")).prefault(
    2,
  ),
  interfaces: known(
    either(
      "all",
      list(
        `"all" or a list of interface names`,
        (name) => accepted(name, interfaceNameProblem(name)),
        {
          empty: `{} silences no NIC; name at least one, or write "all"`,
        },
      ),
    ),
  ).prefault("all"),
  except: known(
    list("a list of globs over interface names", (glob) =>
      accepted(glob, globProblem(glob)),
    ).transform((globs) => (Array.isArray(globs) && globs.length === 0 ? undefined : globs)),
  ).optional(),
};

const timeoutsFields = {
  connectSeconds: known(wholeNumber(1, 86_400)).prefault(60),
  operationSeconds: known(wholeNumber(1, 86_400)).prefault(120),
};

const drainFields = {
  timeoutSeconds: known(wholeNumber(1, 86_400)),
  onTimeout: known(oneOf("withdraw", "fail")).prefault("withdraw"),
};

const inputFields = {
  connection: connectionInput,
  vips: known(
    list("a list of IPv4 and IPv6 addresses", canonicalVip, {
      empty: "{} binds nothing; give at least one VIP, or remove the resource",
      compare: byAddress,
    }),
  ),
  arp: known(
    z.strictObject(arpFields, wanted("an object with ignore, announce, interfaces, except")),
    arpComplaints,
  ).prefault({}),
  persist: known(flag()).prefault(true),
  drain: known(
    z.strictObject(drainFields, wanted("an object with timeoutSeconds, onTimeout")),
  ).optional(),
  // Its default is not written into the state, which is to stay small.
  staleVips: known(oneOf("report", "withdraw")).optional(),
  sysctlsOnDestroy: known(oneOf("restore", "leave")).prefault("restore"),
  unreachableOnDestroy: known(oneOf("fail", "forget")).prefault("fail"),
  unreachableOnRefresh: known(oneOf("fail", "keep")).prefault("fail"),
  timeouts: known(
    z.strictObject(timeoutsFields, wanted("an object with connectSeconds, operationSeconds")),
  ).prefault({}),
  owner: known(line("a name for this declaration in the host's registry")),
};

/** `__provider` is the engine's, not the user's: it passes, and no message proposes it. */
const inputs = z.preprocess(
  withoutAbsent,
  z.strictObject({ ...inputFields, __provider: z.unknown().optional() }, wanted("an object")),
);

const connectionAlone = z.strictObject({ connection: inputFields.connection });

/** The names that exist in each object of the inputs. */
const fieldNames: Record<string, readonly string[]> = {
  "": Object.keys(inputFields),
  connection: Object.keys(connectionFields),
  "connection.proxy": Object.keys(hopFields),
  arp: Object.keys(arpFields),
  drain: Object.keys(drainFields),
  timeouts: Object.keys(timeoutsFields),
};

function failuresOf(issue: z.core.$ZodIssue, news: unknown): Failure[] {
  if (issue.code !== "unrecognized_keys") {
    return [failureOf(issue.path, issue.message, valueAt(news, issue.path))];
  }
  const names = fieldNames[issue.path.join(".")] ?? [];
  return issue.keys.map((key) => unknownInput([...issue.path, key], names));
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((holder, part) => {
    if (typeof holder !== "object" || holder === null || !Object.hasOwn(holder, part))
      return undefined;
    return (holder as Record<PropertyKey, unknown>)[part] ?? undefined;
  }, value);
}

/** Why other values leak or mute: effective values as the kernel tells them apart (arp_ignore). */
function whyNotIgnore(value: unknown): string {
  if (typeof value !== "number") return "";
  if (value === 3) return ": it is quiet about addresses of scope host only, not of scope global";
  if (value === 8) return ": it silences the host altogether, its own addresses too";
  return ": the host would answer ARP for its VIPs";
}

function arpComplaints(arp: unknown): Complaint[] {
  if (!isRecord(arp) || !Array.isArray(arp["except"]) || arp["except"].length === 0) return [];
  if (arp["interfaces"] !== undefined && arp["interfaces"] !== "all") return [];
  return [
    { path: ["except"], message: `goes with a list of interfaces only; "all" excepts no NIC` },
  ];
}

function accepted(text: string, reason: string | undefined): { text: string } | { reason: string } {
  return reason === undefined ? { text } : { reason };
}

function canonicalVip(text: string): { text: string } | { reason: string } {
  const result = parseVip(text);
  return "vip" in result ? { text: result.vip.address } : result;
}

function byAddress(a: string, b: string): number {
  const [left, right] = [parseVip(a), parseVip(b)];
  return "vip" in left && "vip" in right ? compareVips(left.vip, right.vip) : 0;
}
