import { describe, it } from "vitest";

import { INSPECTION_PROGRAM } from "../../src/host/scripts";
import { lookRequest, parseLookAnswer } from "../../src/inspect/answer";
import { directorRequest, parseDirectorAnswer } from "../../src/inspect/director-answer";
import { parseObservation } from "../../src/observed/observed";
import { idOf } from "../../src/observed/registry";
import { renderServiceRecord } from "../../src/observed/service-records";
import { serviceId } from "../../src/plan/service/request";
import { call } from "../../src/protocol/program";
import { claimOf } from "../unit/director";
import { Box, FLAVOURS } from "./box";
import { ok } from "./session";

const HELD = "-t 203.0.113.10:80 -r 10.0.0.11:80 -g";
const { service } = claimOf({ service: ["-A -t 203.0.113.10:80 -s rr", `-a ${HELD} -w 2`] });
const RECORD = {
  owner: "shop",
  incarnation: "1",
  seen: "2026-07-01T10:00:00Z",
  service,
  persist: false,
};
const WAITS = `/run/lvs-dr-director/${serviceId(service.target)}`;
const JOURNAL = (by: string) =>
  `printf 'lvs-dr-journal 1\\nboot %s\\nby ${by}\\n' "$(cat /proc/sys/kernel/random/boot_id)"`;

describe.concurrent.each(FLAVOURS)("an inspection under $shell with the ip of $ip", (flavour) => {
  it("tells a director's records and operations, and what else there is as before", async ({
    expect,
  }) => {
    await using box = await Box.create(flavour);
    const lines = renderServiceRecord({ ...RECORD, unknown: [] });
    await box.run(`mkdir -p /var/lib/lvs-dr /var/lib/lvs-dr-director/owners ${WAITS}
      ${JOURNAL("a real server")} >/var/lib/lvs-dr/journal
      printf '%s\\n' '${lines.join("' '")}' >/var/lib/lvs-dr-director/owners/${idOf("shop")}
      { ${JOURNAL("shop")}; echo 'edited ${HELD} -w 2 -x 0 -y 0 => ${HELD} -w 0 -x 0 -y 0'; } >${WAITS}/journal
      ${JOURNAL("another")} >/var/lib/lvs-dr-director/journal
      echo 'tunnelled -t' >>/var/lib/lvs-dr-director/journal`);
    const before = await box.snapshot();
    const look = box.open({ mode: "look", program: INSPECTION_PROGRAM });
    expect(await look.observed()).toMatchObject({ hasIpvs: false, hasServiceRecords: true });
    const held = box.run(`flock ${WAITS}/lock sh -c 'echo shop >${WAITS}/who; sleep 30'`, {
      allowFailure: true,
    });
    await box.run(`until [ -s ${WAITS}/who ]; do sleep 0.02; done`);
    const seen = parseDirectorAnswer(ok(await look.request(directorRequest())));
    expect(seen).toMatchObject({
      observed: { table: [], keepers: [], registry: { owners: new Map([[idOf("shop"), RECORD]]) } },
      pending: { underWay: false, strange: "tunnelled -t" },
      waiting: [{ id: serviceId(service.target), underWay: true, strange: undefined }],
    });
    await box.run(`kill $(cat /proc/[0-9]*/stat | sed -n 's/^\\([0-9]*\\) (sleep).*/\\1/p')`);
    await held;
    const cutOff = parseDirectorAnswer(ok(await look.request(directorRequest())));
    expect(cutOff).toMatchObject({ waiting: [{ underWay: false }] });
    // Nothing of the director's shell is left.
    const { journal } = parseLookAnswer(ok(await look.request(lookRequest([]))));
    expect(journal).toContain("by a real server");
    expect(parseObservation(ok(await look.request(call("observe")))).hasServiceRecords).toBe(true);
    await look.end();
    expect(await box.snapshot()).toBe(before);
  });
});
