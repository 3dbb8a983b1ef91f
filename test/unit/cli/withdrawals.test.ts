import { describe, expect, it } from "vitest";
import { withdrawalsOf } from "../../../src/cli/withdrawals";
import { NOTHING_ASKED } from "../../../src/inspect/answer";
import type { DirectorAnswer } from "../../../src/inspect/director-answer";
import type { SeenHost } from "../../../src/inspect/look";
import { NOTHING_PENDING } from "../../../src/inspect/pending";
import { inspectionOf } from "../../../src/inspect/report";
import { directorOf, type DirectorSketch } from "../director";
import { hostOf, type HostSketch } from "../model";

const SELECTOR = "-t 203.0.113.10:80";
const DIRECTOR: DirectorSketch = {
  table: [
    `-A ${SELECTOR} -s rr`,
    `-a ${SELECTOR} -r 10.0.0.11:80 -g -w 1 -x 0 -y 0`,
    `-a ${SELECTOR} -r 10.0.0.12:80 -g -w 1 -x 0 -y 0`,
  ],
  owners: [
    {
      owner: "web-1",
      lines: [
        `service ${SELECTOR} -s rr`,
        `destination ${SELECTOR} -r 10.0.0.11:80 -g -w 1 -x 0 -y 0`,
        `destination ${SELECTOR} -r 10.0.0.12:80 -g -w 1 -x 0 -y 0`,
      ],
    },
  ],
};

/** Nobody connects to it. */
function seenHost(host: HostSketch, director?: DirectorSketch, active: readonly number[] = []) {
  const { observed } = hostOf(host);
  const sight = withConnections(director ?? {}, active);
  const answer: DirectorAnswer =
    director === undefined
      ? { kind: "none" }
      : {
          ...{ kind: "director", observed: sight, onDisk: sight.registry },
          ...{ pending: NOTHING_PENDING, waiting: [] },
        };
  const seen: SeenHost = {
    inspection: inspectionOf({ host: "lb", keys: {}, observed, answer: NOTHING_ASKED }),
    ...{ observed, director: answer },
    operation: {
      ...{ host: "lb", login: { user: "root", sudo: false }, pins: {} },
      timeouts: { connectSeconds: 1, operationSeconds: 1 },
      dial: () => Promise.reject(new Error("nobody is to be dialled")),
      signal: new AbortController().signal,
      progress: () => undefined,
      warn: () => undefined,
    },
  };
  return seen;
}

function withConnections(sketch: DirectorSketch, active: readonly number[]) {
  const observed = directorOf(sketch);
  const table = observed.table.map((service) => ({
    ...service,
    destinations: service.destinations.map((one, at) => ({ ...one, active: active[at] ?? 0 })),
  }));
  return { ...observed, table };
}

describe("what can be withdrawn from a host", () => {
  it("is a director's service before VIPs, also of an owner of one name", () => {
    const host = {
      addresses: ["lo 203.0.113.20/32 host lo:dr"],
      owners: [{ vips: ["203.0.113.20"] }],
    };
    const all = withdrawalsOf(seenHost(host, DIRECTOR, [1, 7]), "restore");
    expect(all.map((one) => one.record.owner)).toEqual(["web-1", "web-1"]);
    expect(all.map((one) => one.consequences())).toEqual([
      [
        "10.0.0.11:80 leaves 203.0.113.10:80, and 1 active connection with it",
        "10.0.0.12:80 leaves 203.0.113.10:80, and 7 active connections with it",
        "the service 203.0.113.10:80 goes",
        "its record goes",
      ],
      ["203.0.113.20/32 leaves lo", "its record goes"],
    ]);
  });

  it("is what a host has that is a real server, a director, or neither", () => {
    const count = (seen: SeenHost) => withdrawalsOf(seen, "restore").length;
    expect(count(seenHost({}))).toBe(0);
    expect(count(seenHost({ owners: [{}] }))).toBe(1);
    expect(count(seenHost({}, DIRECTOR))).toBe(1);
  });

  it("is a service that keepalived has, with its file and whatever is in it", () => {
    const file = "/etc/keepalived/conf.d/lvs-dr-203.0.113.10-80.conf";
    const owners = (DIRECTOR.owners ?? []).map((one) => ({
      ...one,
      lines: [...one.lines, `keepalived ${file}`],
    }));
    const table = [...(DIRECTOR.table ?? []), `-a ${SELECTOR} -r 10.0.0.15:80 -m -w 2`];
    const kept = { table, owners, keepers: ["keepalived"] };
    const [one] = withdrawalsOf(seenHost({}, kept, [0, 2]), "restore");
    expect(one?.consequences()).toEqual([
      `${file} goes, and keepalived reads its configuration without it`,
      "10.0.0.11:80 leaves 203.0.113.10:80",
      "10.0.0.12:80 leaves 203.0.113.10:80, and 2 active connections with it",
      "its record goes",
      "the service 203.0.113.10:80 goes with 10.0.0.15:80, which is in it, declared by nobody",
    ]);
  });

  it("keeps a service that somebody else is in, and says so", () => {
    const table = [...(DIRECTOR.table ?? []), `-a ${SELECTOR} -r 10.0.0.15:80 -m -w 2`];
    const [one] = withdrawalsOf(seenHost({}, { ...DIRECTOR, table }), "restore");
    expect(one?.consequences()).toEqual([
      "10.0.0.11:80 leaves 203.0.113.10:80",
      "10.0.0.12:80 leaves 203.0.113.10:80",
      "its record goes",
      "the service 203.0.113.10:80 stays: 10.0.0.15:80 is in it, declared by nobody",
    ]);
  });
});
