import { describe, expect, it } from "vitest";
import { planService } from "../../../../src/plan/service/plan";
import {
  holdRequest,
  changesRequest,
  filesAfterWait,
  resumeRequest,
  serviceId,
  serviceRequest,
  unlockRequest,
} from "../../../../src/plan/service/request";
import { describeServiceChange, serviceSummary } from "../../../../src/plan/service/words";
import { claimOf, desiredOf, directorOf } from "../../director";

const SELECTOR = "-t 203.0.113.10:80";
const ELEVEN = `-a ${SELECTOR} -r 10.0.0.11:80 -g -w 10 -x 0 -y 0`;
const TWELVE = `-a ${SELECTOR} -r 10.0.0.12:80 -g -w 1 -x 0 -y 0`;
const owners = [
  {
    owner: "me",
    lines: [
      `service ${SELECTOR} -s wlc`,
      `destination ${ELEVEN.slice(3)}`,
      `destination ${TWELVE.slice(3)}`,
    ],
  },
];
const table = [`-A ${SELECTOR} -s wlc`, ELEVEN, TWELVE];
const claim = claimOf({ service: [`-A ${SELECTOR} -s rr`, ELEVEN.replace("-w 10", "-w 5")] });
const { target } = claim.service;
const { changes } = planService(desiredOf("serve", claim), directorOf({ table, owners }));
const steps =
  `'edited ${SELECTOR} -s wlc => ${SELECTOR} -s rr' ` +
  `'edited ${ELEVEN.slice(3)} => ${SELECTOR} -r 10.0.0.11:80 -g -w 5 -x 0 -y 0' ` +
  `'removed ${TWELVE.slice(3)}'`;

describe("a request to a director", () => {
  const file = `owners/2744ccd10c7533bd736ad890f9dd5cab`;

  it("has the service's own lock, a journal, files, and all steps in one word list", () => {
    const request = serviceRequest(target, changes);
    expect(request).toMatch(
      new RegExp(`^own '${serviceId(target)}' && begin '' '${file}' && put '${file}' `),
    );
    expect(request.endsWith(` && table ${steps} && observe '${SELECTOR}'`)).toBe(true);
    expect(request.match(/ && table /g)).toHaveLength(1);
  });

  it("goes on after a wait without its lock with the same steps, and a time of its own", () => {
    expect(unlockRequest(75)).toBe("unlock '75'");
    expect(resumeRequest(target, [file], 90)).toBe(
      `resume '90' '' '${file}' && observe '${SELECTOR}'`,
    );
    const request = changesRequest(target, changes);
    expect(request.startsWith(`put '${file}' `)).toBe(true);
    expect(request.endsWith(` && table ${steps} && observe '${SELECTOR}'`)).toBe(true);
  });

  it("lists what may change while it waits: the boot's files, should the others go", () => {
    const lines = ["service -t 203.0.113.11:80 -s rr", "persist"];
    const others = [...owners, { owner: "other", incarnation: "another", lines }];
    const director = directorOf({ table, owners: others, boot: "current" });
    expect(new Set(filesAfterWait(desiredOf("withdraw", claim), director))).toEqual(
      new Set(["boot/link", "boot/unit", "replay", file]),
    );
  });

  it("holds a weight that somebody has set back by the steps alone", () => {
    const held = planService(desiredOf("hold", claim), directorOf({ table, owners }));
    const edits = held.changes.flatMap((one) => (one.kind === "edit" ? [one] : []));
    expect(holdRequest(edits.slice(-1))).toBe(
      `table 'edited ${TWELVE.slice(3)} => ${SELECTOR} -r 10.0.0.12:80 -g -w 0 -x 0 -y 0'`,
    );
  });

  it("is told to people in the order in which it is done", () => {
    expect(serviceSummary(changes)).toBe(
      "changing 1 service, changing 1 destination, removing 1 destination",
    );
    expect(serviceSummary(changes.slice(0, 1))).toBe("writing the director's record");
    expect(changes.slice(1).map(describeServiceChange)).toEqual([
      `change "${SELECTOR} -s wlc" to "${SELECTOR} -s rr"`,
      `change "${ELEVEN.slice(3)}" to "${SELECTOR} -r 10.0.0.11:80 -g -w 5 -x 0 -y 0"`,
      "remove 10.0.0.12:80",
    ]);
    const created = planService(desiredOf("serve", claim), directorOf({}));
    expect(created.changes.map(describeServiceChange)).toEqual([
      "write machine",
      `write ${file}`,
      `add the service ${SELECTOR}`,
      "add 10.0.0.11:80",
    ]);
  });
});
