import type { Fields, ObjectField } from "./field";

const httpFields = {
  path: {
    kind: "line",
    what: "the path of a request",
    problem: pathProblem,
    required: true,
    sentence: "The path that is asked for by GET, `/healthz`.",
  },
  status: {
    kind: "whole number",
    least: 200,
    most: 599,
    default: 200,
    shown: true,
    sentence: "The status that the answer must have. A redirect is not followed.",
  },
  host: {
    kind: "line",
    what: "the name of a site",
    problem: hostProblem,
    defaultText: "the VIP",
    sentence:
      "The Host header, and with `https` the name that the server is asked for a certificate of (SNI).",
  },
  https: {
    kind: "flag",
    default: false,
    shown: true,
    sentence: "Ask over TLS. The certificate is not judged.",
  },
} as const satisfies Fields;

/** What must answer on each VIP before a host counts. */
export const readyField = {
  kind: "object",
  fields: {
    port: {
      kind: "whole number",
      least: 1,
      most: 65_535,
      required: true,
      sentence: "The TCP port that must take connections on every VIP.",
    },
    http: {
      kind: "object",
      fields: httpFields,
      defaultText: "none",
      sentence: "One request that must be answered, too.",
    },
    timeoutSeconds: {
      kind: "whole number",
      least: 1,
      most: 300,
      default: 30,
      shown: true,
      sentence: "How long to wait at most, in seconds. `timeouts` does not count it.",
    },
  },
} as const satisfies ObjectField;

/** What Node's HTTP client would refuse, and a fragment, which no server is ever sent. */
function pathProblem(path: string): string | undefined {
  if (!path.startsWith("/")) return `does not begin with "/"`;
  return /^[!-"$-~]*$/.test(path)
    ? undefined
    : "has a character that no request has: write blanks, # and letters beyond ASCII as %20, %23 and so on";
}

function hostProblem(host: string): string | undefined {
  const isHost = /^([a-z0-9._-]+|\[[0-9a-f:.]+\])(:\d{1,5})?$/i.test(host);
  return isHost ? undefined : "is no name as in a Host header: shop.example, or shop.example:8443";
}
