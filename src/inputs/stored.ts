import * as z from "zod";
import { compareVips, parseVip, type Vip } from "../domain/address";
import type { Arp } from "../domain/arp";
import type { DrainPolicy } from "../operation/drain";
import { RealServerError } from "../domain/errors";
import { failureOf, shown } from "./failure";
import type { Connection } from "../transport/connection";

/** What a resource asks for, parsed, with all defaults applied. */
export interface Settings {
  /** How the host is reached. */
  readonly connection: Connection;
  /** The declared VIPs, sorted. Empty only in a state that was read after drift. */
  readonly vips: readonly Vip[];
  /** How the host is kept quiet about them. */
  readonly arp: Arp;
  /** Whether the VIPs are bound again at boot. */
  readonly persist: boolean;
  /** What is waited for before a VIP is withdrawn; undefined: nothing. */
  readonly drain?: DrainPolicy | undefined;
  /** What becomes of addresses on `lo` that nobody declares. */
  readonly staleVips: "report" | "withdraw";
  /** What becomes of the sysctls on destroy. */
  readonly sysctlsOnDestroy: "restore" | "leave";
  /** What destroy does with a host that cannot be reached. */
  readonly unreachableOnDestroy: "fail" | "forget";
  /** What a refresh does with a host that cannot be reached. */
  readonly unreachableOnRefresh: "fail" | "keep";
  /** Limits in seconds: for all dialling, and for the work on the host. */
  readonly timeouts: { readonly connectSeconds: number; readonly operationSeconds: number };
  /** The name of the declaration in the host's registry. */
  readonly owner: string;
}

/**
 * Reads what `checkInputs` made, or the outputs of a state; what is no input is ignored.
 *
 * What was checked when it was stored is not checked again: a state of an older version, and one
 * that drift left without VIPs, must stay readable, or its resource could not be destroyed.
 *
 * @throws RealServerError of kind `refused` when it cannot be read.
 */
export function parseSettings(stored: unknown): Settings {
  const result = settings.safeParse(stored);
  if (result.success) return result.data;
  const reasons = result.error.issues.map((issue) => {
    return failureOf(issue.path, issue.message, undefined).reason;
  });
  throw new RealServerError(
    "refused",
    `the stored settings of this real server cannot be read (${reasons.join("; ")}); ` +
      "if they were edited by hand, put them right with pulumi stack export and import",
  );
}

/** Reads a connection that was checked: fills in every default. */
export function readConnection(stored: unknown): Connection {
  return storedConnection.parse(stored);
}

const maybeText = z
  .string()
  .nullish()
  .transform((value) => value ?? undefined);

function orElse<T>(schema: z.ZodType<T>, value: T) {
  return schema.nullish().transform((given) => given ?? value);
}

const storedHop = z.object({
  host: z.string(),
  port: orElse(z.number(), 22),
  user: orElse(z.string(), "root"),
  password: maybeText,
  privateKey: maybeText,
  privateKeyPassword: maybeText,
  privateKeyFile: maybeText,
  agentSocketPath: maybeText,
  hostKey: maybeText,
  knownHostsFile: orElse(z.string(), "~/.ssh/known_hosts"),
  dialErrorLimit: orElse(z.number(), -1),
  perDialTimeout: orElse(z.number(), 15),
});

const storedConnection = storedHop
  .extend({
    sudo: z.boolean().nullish(),
    sudoPassword: maybeText,
    proxy: storedHop.nullish().transform((value) => value ?? undefined),
  })
  .transform((connection) => ({
    ...connection,
    sudo: connection.sudo ?? (connection.user !== "root" || connection.sudoPassword !== undefined),
  }));

const storedArp = z.object({
  ignore: orElse(z.literal([1, 2]), 1),
  announce: orElse(z.literal(2), 2),
  interfaces: orElse(z.union([z.literal("all"), z.array(z.string())]), "all"),
  except: orElse(z.array(z.string()), []),
});

const storedTimeouts = z.object({
  connectSeconds: orElse(z.number(), 60),
  operationSeconds: orElse(z.number(), 120),
});

const storedDrain = z.object({
  timeoutSeconds: z.number(),
  onTimeout: orElse(z.enum(["withdraw", "fail"]), "withdraw"),
});

const storedVip = z.string().transform((text, context): Vip => {
  const result = parseVip(text);
  if ("vip" in result) return result.vip;
  context.addIssue(`${shown(text)} ${result.reason}`);
  return z.NEVER;
});

const settings: z.ZodType<Settings> = z.object({
  connection: storedConnection,
  vips: z.array(storedVip).transform((vips) => vips.sort(compareVips)),
  arp: z.preprocess((value) => value ?? {}, storedArp),
  persist: orElse(z.boolean(), true),
  drain: storedDrain.nullish().transform((value) => value ?? undefined),
  staleVips: orElse(z.enum(["report", "withdraw"]), "report"),
  sysctlsOnDestroy: orElse(z.enum(["restore", "leave"]), "restore"),
  unreachableOnDestroy: orElse(z.enum(["fail", "forget"]), "fail"),
  unreachableOnRefresh: orElse(z.enum(["fail", "keep"]), "fail"),
  timeouts: z.preprocess((value) => value ?? {}, storedTimeouts),
  owner: z.string(),
});
