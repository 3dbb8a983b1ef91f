import {
  blockFileProblem,
  checkHostProblem,
  checkPathProblem,
  type HealthCheck,
  type KeepalivedBlock,
} from "../domain/keepalived";
import { usualBlockFile } from "../domain/keepalived";
import type { ServiceTarget } from "../domain/virtual-service";
import type { Complaint, Field, Fields, Settled } from "./field";

const termsFields = {
  port: {
    kind: "whole number",
    least: 1,
    most: 65_535,
    defaultText: "that of the service",
    sentence: "The port that is asked.",
  },
  intervalSeconds: {
    kind: "whole number",
    least: 1,
    most: 3600,
    default: 5,
    shown: true,
    sentence: "From one check to the next, in seconds.",
  },
  timeoutSeconds: {
    kind: "whole number",
    least: 1,
    most: 3600,
    default: 3,
    shown: true,
    sentence: "Without an answer for so long it has failed, in seconds.",
  },
  retries: {
    kind: "whole number",
    least: 0,
    most: 100,
    default: 1,
    shown: true,
    sentence: "How often it is tried again, a second apart, before the real server is taken out.",
  },
} as const satisfies Fields;

const checkFields = {
  tcp: {
    kind: "object",
    defaultText: "none",
    sentence: "It takes a TCP connection.",
    fields: termsFields,
  },
  http: {
    kind: "object",
    defaultText: "none",
    sentence: "It answers a GET over HTTP.",
    fields: {
      path: {
        kind: "line",
        what: "the path of a page",
        problem: checkPathProblem,
        default: "/",
        shown: true,
        sentence: "What is asked for.",
      },
      status: {
        kind: "whole number",
        least: 100,
        most: 599,
        default: 200,
        shown: true,
        sentence: "The status that it has to answer with.",
      },
      host: {
        kind: "line",
        what: "the name of a host",
        problem: checkHostProblem,
        defaultText: "as keepalived has it",
        sentence: "The header `Host`.",
      },
      ...termsFields,
    },
  },
} as const satisfies Fields;

/** Who else keeps the director's table: the input `manager`. */
export const managerField = {
  kind: "object",
  defaultText: "none, the table is written by this package",
  page: "how-to/keepalived.md",
  sentence: "The program that keeps the director's table, where one does.",
  fields: {
    keepalived: {
      kind: "object",
      required: true,
      sentence:
        "The service is a `virtual_server` block in a file of its own, which keepalived's configuration " +
        "includes.",
      fields: {
        file: {
          kind: "line",
          what: "the path of a file",
          problem: blockFileProblem,
          defaultText: "`/etc/keepalived/conf.d/lvs-dr-<vip>-<port>.conf`",
          sentence: "Where the block is.",
        },
        check: {
          kind: "object",
          words: ["none"],
          default: "none",
          shown: true,
          alsoWrong: checkComplaints,
          sentence:
            "What keepalived asks each real server, and takes it out for: one of `tcp`, `http`.",
          fields: checkFields,
        },
        inhibitOnFailure: {
          kind: "flag",
          default: false,
          shown: true,
          sentence: "A real server that fails its check gets weight 0, instead of being taken out.",
        },
        failing: {
          kind: "choice",
          values: ["assume", "ask"],
          default: "assume",
          shown: true,
          page: "how-to/keepalived.md#failing-or-removed",
          sentence:
            'Real servers that are missing from the table: `"assume"` that they fail their check, or `"ask"` ' +
            "keepalived, and repair those that somebody has removed.",
        },
      },
    },
  },
} as const satisfies Field;

function checkComplaints(check: Readonly<Record<string, unknown>>): Complaint[] {
  return "tcp" in check !== "http" in check
    ? []
    : [{ path: [], message: '{} is not one of { tcp: … }, { http: … } and "none"' }];
}

/** The block that checked settings ask for. Default: none. */
export function blockOf(
  manager: Settled<{ manager: typeof managerField }>["manager"],
  target: ServiceTarget,
): KeepalivedBlock | undefined {
  if (manager === undefined) return undefined;
  const { file, check, inhibitOnFailure, failing } = manager.keepalived;
  return {
    ...{ file: file ?? usualBlockFile(target), check: checkOf(check), inhibitOnFailure },
    ...(failing === "ask" && { asks: true }),
  };
}

type Keepalived = NonNullable<Settled<{ manager: typeof managerField }>["manager"]>["keepalived"];

function checkOf(check: Keepalived["check"]): HealthCheck {
  if (check === "none") return { kind: "none" };
  const { tcp, http } = check;
  if (tcp !== undefined) return { kind: "tcp", ...tcp, port: tcp.port };
  if (http !== undefined) return { kind: "http", ...http, port: http.port, host: http.host };
  return { kind: "none" };
}
