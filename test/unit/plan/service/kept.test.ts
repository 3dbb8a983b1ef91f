import { describe, expect, it } from "vitest";
import { keptBehind } from "../../../../src/plan/service/kept";
import { claimOf, desiredOf, directorOf, type Want } from "../../director";

const FILE = "/etc/keepalived/conf.d/a.conf";
const SERVICE = "-t 203.0.113.10:80";
const block = { file: FILE, check: { kind: "none" }, inhibitOnFailure: false } as const;
const TIMES = { intervalSeconds: 1, timeoutSeconds: 1, retries: 0 };
const to = (last: number, weight: number) =>
  `${SERVICE} -r 10.0.0.${last}:80 -g -w ${weight} -x 0 -y 0`;
const shape = (scheduler: string, ...destinations: string[]) => [
  `-A ${SERVICE} -s ${scheduler}`,
  ...destinations.map((one) => `-a ${one}`),
];
const recorded = (...destinations: string[]) => ({
  owner: "me",
  lines: [
    `service ${SERVICE} -s rr`,
    ...destinations.map((one) => `destination ${one}`),
    `keepalived ${FILE}`,
  ],
});

interface Case {
  readonly name: string;
  readonly want?: Want;
  readonly was?: readonly string[];
  readonly wanted: readonly string[];
  readonly table: readonly string[];
  readonly behind: readonly string[];
}

describe("what keepalived has not read yet", () => {
  it.each<Case>([
    {
      name: "a service that comes",
      ...{ wanted: shape("rr", to(11, 1)), table: [], behind: ["the service is not there"] },
    },
    {
      name: "a destination that comes",
      was: [to(11, 1)],
      ...{ wanted: shape("rr", to(11, 1), to(12, 1)), table: shape("rr", to(11, 1)) },
      behind: ["10.0.0.12 is not there"],
    },
    {
      name: "nothing of one that a check has taken out, or that somebody has changed",
      was: [to(11, 1), to(12, 1)],
      ...{ wanted: shape("rr", to(11, 1), to(12, 1)), table: shape("rr", to(11, 7)), behind: [] },
    },
    {
      name: "a weight and a scheduler that change",
      was: [to(11, 1)],
      ...{ wanted: shape("wlc", to(11, 5)), table: shape("rr", to(11, 1)) },
      behind: ["scheduling", "10.0.0.11 has weight 1"],
    },
    {
      name: "one that leaves",
      was: [to(11, 1), to(12, 1)],
      ...{ wanted: shape("rr", to(11, 1)), table: shape("rr", to(11, 1), to(12, 0)) },
      behind: ["10.0.0.12 is there"],
    },
    {
      name: "one that is to be held at weight 0",
      want: "hold",
      was: [to(11, 1), to(12, 1)],
      ...{ wanted: shape("rr", to(11, 1)), table: shape("rr", to(11, 1), to(12, 1)) },
      behind: ["10.0.0.12 has weight 1"],
    },
    {
      name: "a service that goes",
      ...{ want: "withdraw", was: [to(11, 1)], wanted: shape("rr", to(11, 1)) },
      ...{ table: shape("rr"), behind: ["the service is there"] },
    },
  ])("is $name", ({ want = "serve", was, wanted, table, behind }) => {
    const before = directorOf(was === undefined ? {} : { owners: [recorded(...was)] });
    const desired = desiredOf(want, claimOf({ service: wanted, block }));
    const seen = keptBehind(desired, before, directorOf({ table }));
    expect(seen).toEqual(behind.map((what) => ({ what, mayBeOut: false })));
  });

  it("may be that a check fails: for one that comes, and where it keeps one at weight 0 for that", () => {
    const check = { kind: "tcp", port: undefined, ...TIMES } as const;
    const wanted = shape("rr", to(11, 2), to(12, 1));
    const behindOf = (was: string[], table: string[], after: string[], inhibitOnFailure: boolean) =>
      keptBehind(
        desiredOf(
          "serve",
          claimOf({ service: wanted, block: { ...block, check, inhibitOnFailure } }),
        ),
        directorOf({ owners: [recorded(...was)], table: shape("rr", ...table) }),
        directorOf({ table: shape("rr", ...after) }),
      );
    const [old, both] = [[to(11, 1)], [to(11, 1), to(12, 1)]];
    expect(behindOf(old, old, [to(11, 2)], false)).toEqual([
      { what: "10.0.0.12 is not there", mayBeOut: true },
    ]);
    const quiet = [to(11, 0), to(12, 1)];
    const at0 = { what: "10.0.0.11 has weight 0" };
    expect(behindOf(both, both, quiet, true)).toEqual([{ ...at0, mayBeOut: true }]);
    expect(behindOf(both, both, quiet, false)).toEqual([{ ...at0, mayBeOut: false }]);
    // It stood in the table before its block, by hand say: keepalived passes over it.
    expect(behindOf([], [to(11, 7), to(12, 1)], [to(11, 7), to(12, 1)], false)).toEqual([]);
    // It was out before: keepalived sets its weight when it lets it in again.
    expect(behindOf(both, quiet, quiet, true)).toEqual([]);
  });
});
