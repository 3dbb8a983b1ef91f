import { nameOfTarget, type ServiceTarget } from "./virtual-service";

/** How keepalived has one virtual service: by a file of ours. */
export interface KeepalivedBlock {
  /** Where the block is, an absolute path; keepalived's own configuration includes it. */
  readonly file: string;
  readonly check: HealthCheck;
  /** One that fails its check gets weight 0; else it is taken out of the table. */
  readonly inhibitOnFailure: boolean;
  /** keepalived is asked which real servers fail their check. Default: false, and absent ones may be either. */
  readonly asks?: boolean;
}

/** What keepalived asks each real server, and takes it out for. */
export type HealthCheck =
  | { readonly kind: "none" }
  | ({ readonly kind: "tcp" } & CheckTerms)
  | ({
      readonly kind: "http";
      readonly path: string;
      /** The status that is asked for: 200. */
      readonly status: number;
      /** The header Host; undefined: as keepalived has it. */
      readonly host: string | undefined;
    } & CheckTerms);

/** When a check is made, and when it has failed. */
export interface CheckTerms {
  /** Undefined: the service's. */
  readonly port: number | undefined;
  /** From one check to the next. */
  readonly intervalSeconds: number;
  /** Without an answer for so long, it has failed. */
  readonly timeoutSeconds: number;
  /** Tried so often more before it counts, a second apart. */
  readonly retries: number;
}

/** Where a service's block is, unless the program says otherwise. */
export function usualBlockFile(target: ServiceTarget): string {
  const folder = "/etc/keepalived/conf.d";
  if (target.kind === "fwmark")
    return `${folder}/lvs-dr-fwmark-${target.mark}${target.family === 6 ? "-6" : ""}.conf`;
  const udp = target.kind === "udp" ? "-udp" : "";
  return `${folder}/lvs-dr-${target.vip.address}-${target.port}${udp}.conf`;
}

/** What is wrong with where a block is to be, as a phrase that follows it; undefined where nothing is. */
export function blockFileProblem(file: string): string | undefined {
  const isPath = /^(\/[A-Za-z0-9_.:+@-]+){2,}$/.test(file) && !/\/\.{1,2}(\/|$)/.test(file);
  if (!isPath) return "is no absolute path of letters, digits and _ . : + @ -";
  return file.endsWith(".conf") ? undefined : "does not end in .conf";
}

/** What is wrong with a path that a check asks for; undefined where nothing is. */
export function checkPathProblem(path: string): string | undefined {
  return /^\/[A-Za-z0-9/._?=&%+:,;-]*$/.test(path)
    ? undefined
    : "is no path of letters, digits and / . _ ? = & % + : , ; -";
}

/** What is wrong with a name that a check asks for; undefined where nothing is. */
export function checkHostProblem(host: string): string | undefined {
  return /^[A-Za-z0-9.-]+(:\d{1,5})?$/.test(host) ? undefined : "is no host name";
}

/** What goes before the block: whose it is. keepalived reads it as a comment. */
export function blockMark(owner: string, target: ServiceTarget): string[] {
  return [
    `# pulumi-lvs-dr keepalived 1: ${JSON.stringify(owner)}`,
    `# ${nameOfTarget(target)}, made by pulumi-lvs-dr, which undoes what is changed here by hand.`,
  ];
}

/** Whose block the lines of a file are; undefined where they are not ours. */
export function blockOwner(lines: readonly string[]): string | undefined {
  const [, text] =
    /^# pulumi-lvs-dr keepalived \d+: ("(?:[^"\\]|\\.)*")$/.exec(lines[0] ?? "") ?? [];
  try {
    return text === undefined ? undefined : (JSON.parse(text) as string);
  } catch {
    return undefined;
  }
}
