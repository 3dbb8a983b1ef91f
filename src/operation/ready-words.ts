import { RealServerError, type Remedy } from "../domain/errors";
import { excerpt } from "../domain/terminal";
import { endpoint } from "../domain/virtual-service";
import { forwardingRules } from "../transport/problems";

/** What must answer on each VIP before a change of a host is committed. */
export interface ReadyPolicy {
  /** A TCP port that takes connections. */
  readonly port: number;
  /** A request that is answered. Default: none, a connection is enough. */
  readonly http?: ReadyRequest | undefined;
  /** How long to wait at most, in seconds. */
  readonly timeoutSeconds: number;
}

/** A GET request, and what must come of it. */
export interface ReadyRequest {
  /** As in the request line: it begins with `/`. */
  readonly path: string;
  /** The status that the answer must have. */
  readonly status: number;
  /** The Host header, and the server's name in TLS. Default: the VIP, and no name. */
  readonly host?: string | undefined;
  /** Over TLS; the certificate is not judged. */
  readonly https: boolean;
}

/** What a try has seen of a VIP. */
export type Sighting =
  | { readonly kind: "connected" }
  /** By the host's own words. */
  | { readonly kind: "not-connected"; readonly words: string }
  | { readonly kind: "answered"; readonly status: number; readonly location?: string | undefined }
  /** The connection was made, and what came over it is no answer. */
  | { readonly kind: "not-answered"; readonly layer: "TLS" | "HTTP"; readonly words: string }
  /** Nothing came for so many seconds. */
  | { readonly kind: "silent"; readonly seconds: number };

/** The last sighting of each VIP; none of one that was not tried yet. */
export type Sightings = ReadonlyMap<string, Sighting>;

/** Whether a VIP of which this was seen is ready. */
export function isReady(sighting: Sighting, { http }: ReadyPolicy): boolean {
  if (http === undefined) return sighting.kind === "connected";
  return sighting.kind === "answered" && sighting.status === http.status;
}

/** What is waited for, on one line. @param vips those that are not ready */
export function waitingWords(
  policy: ReadyPolicy,
  vips: readonly string[],
  seen: Sightings,
  secondsLeft: number,
): string {
  const [first = "", ...more] = vips;
  const sighting = seen.get(first);
  const why = sighting === undefined ? "" : ` (${observedWords(sighting)})`;
  const others = more.length === 0 ? "" : ` and ${more.length} more`;
  return `waiting for ${subjectOf(first, policy)}${why}${others}, at most ${Math.ceil(secondsLeft)} s more`;
}

/** The error when the time is over. @param vips those that are not ready */
export function notReady(
  policy: ReadyPolicy,
  vips: readonly string[],
  seen: Sightings,
): RealServerError {
  const wanted = policy.http === undefined ? "a connection" : `status ${policy.http.status}`;
  const observed = vips.map((vip) => {
    const sighting = seen.get(vip);
    return `${subjectOf(vip, policy)}: ${sighting ? observedWords(sighting) : "not tried in time"}`;
  });
  const hints = new Set(vips.flatMap((vip) => hintFor(seen.get(vip), policy)));
  const what = [
    `the service is not ready after ${policy.timeoutSeconds} s, asked from the host itself: ` +
      `${observed.map((one) => `${one}, wanted ${wanted}`).join("; ")}.`,
    ...hints,
  ];
  return new RealServerError("not-converged", what.join(" "), {
    ...{ observed: observed.join("; "), wanted },
    remedies: [{ kind: "wait-for-service" }],
  });
}

/** The error where the host's SSH server lets nobody look. @param words the server's own */
export function cannotAsk(
  vip: string,
  { port }: ReadyPolicy,
  words: string,
  user: string,
): RealServerError {
  const remedies: Remedy[] = [{ kind: "do-without-ready" }];
  const what =
    `nobody can tell whether the service is ready: sshd there does not connect to ${endpoint(vip, port)} ` +
    `for ${user} (${words}). ${forwardingRules("the key")}.`;
  return new RealServerError("failed", what, { observed: words, wanted: "a connection", remedies });
}

/** Tokens may stand in a query, so it is not shown. */
function subjectOf(vip: string, { port, http }: ReadyPolicy): string {
  if (http === undefined) return endpoint(vip, port);
  const scheme = http.https ? "https" : "http";
  const isUsual = port === (http.https ? 443 : 80);
  const place = isUsual ? endpoint(vip, port).replace(/:\d+$/, "") : endpoint(vip, port);
  const path = http.path.replace(/\?.*/, "?…");
  const host = http.host === undefined ? "" : ` (Host: ${http.host})`;
  return `GET ${scheme}://${place}${path}${host}`;
}

function observedWords(sighting: Sighting): string {
  switch (sighting.kind) {
    case "connected":
      return "a connection";
    case "not-connected":
      return `no connection, ${sighting.words}`;
    case "answered": {
      const { status, location } = sighting;
      return `status ${status}${location === undefined ? "" : `, to ${excerpt(location)}`}`;
    }
    case "not-answered":
      return `no ${sighting.layer}, ${sighting.words}`;
    case "silent":
      return `no answer for ${Math.round(sighting.seconds * 10) / 10} s`;
  }
}

/** What to look at on the host. */
function hintFor(sighting: Sighting | undefined, { port, http }: ReadyPolicy): string[] {
  switch (sighting?.kind) {
    case "not-connected":
      return ["Does the service listen on the VIP, or on all addresses?"];
    case "answered":
      return isRedirect(sighting.status)
        ? ["A redirect is not followed: ask for where it leads (ready.http), or for its status."]
        : [];
    case "not-answered":
      return [`Does port ${port} speak ${http?.https === true ? "HTTPS" : "plain HTTP"}?`];
    case "connected":
    case "silent":
    case undefined:
      return [];
  }
}

function isRedirect(status: number): boolean {
  return status >= 300 && status < 400;
}
