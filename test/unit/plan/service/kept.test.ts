import { describe, expect, it } from "vitest";
import { keptBehind } from "../../../../src/plan/service/kept";
import { claimOf, desiredOf, directorOf, type Want } from "../../director";

const FILE = "/etc/keepalived/conf.d/a.conf";
const SERVICE = "-t 203.0.113.10:80";
const block = { file: FILE, check: { kind: "none" }, inhibitOnFailure: false } as const;
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
    expect(keptBehind(desired, before, directorOf({ table }))).toEqual(behind);
  });
});
