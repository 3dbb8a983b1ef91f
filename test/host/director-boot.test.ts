// A director's boot kit, on hosts whose kernels may have no IPVS: all but the table.
import { describe, it } from "vitest";

import { DIRECTOR_KIT } from "../../src/host/director-kit";
import { DIRECTOR_CHANGES, DIRECTOR_PROGRAM } from "../../src/host/scripts";
import { parseDirector, type ObservedDirector } from "../../src/observed/director";
import { isFileChange } from "../../src/plan/change";
import type { ServiceClaim } from "../../src/plan/service/claim";
import { planService } from "../../src/plan/service/plan";
import { serviceReport } from "../../src/plan/service/report";
import { serviceRequest } from "../../src/plan/service/request";
import { COMMIT_REQUEST } from "../../src/protocol/program";
import { Box, FLAVOURS } from "./box";
import { ok, type Session } from "./session";

const REGISTRY = "/var/lib/lvs-dr-director";
const OUTCOME = "/run/pulumi-lvs-dr-director.boot";

const PLACES = {
  systemd: {
    unit: "/etc/systemd/system/pulumi-lvs-dr-director.service",
    link: "/etc/systemd/system/multi-user.target.wants/pulumi-lvs-dr-director.service",
    mode: "644",
  },
  openrc: {
    unit: "/etc/init.d/pulumi-lvs-dr-director",
    link: "/etc/runlevels/default/pulumi-lvs-dr-director",
    mode: "755",
  },
} as const;

const CASES = FLAVOURS.filter(({ ip }) => ip === "iproute2").flatMap(({ shell }) =>
  (["systemd", "openrc"] as const).map((init) => ({ shell, init })),
);

function claimOf(owner: string, persist = true): ServiceClaim {
  const target = { kind: "fwmark", mark: owner.length, family: 4 } as const;
  const scheduling = { scheduler: "rr", flags: [], persistence: undefined };
  const service = { target, ...scheduling, destinations: [] };
  return { owner, incarnation: owner, service, persist };
}

function open(box: Box): Session {
  return box.open({ program: DIRECTOR_PROGRAM, changes: DIRECTOR_CHANGES });
}

/** Plans, and changes all files of that: the table is for directors that have one. */
async function apply(
  session: Session,
  kind: "serve" | "withdraw",
  claim: ServiceClaim,
): Promise<ObservedDirector> {
  const seen = parseDirector(ok(await session.answer()));
  const plan = planService({ kind, claim, now: "2030-01-01T00:00:00Z", held: false }, seen);
  if (plan.refusals.length > 0) throw new Error(plan.refusals.map(({ what }) => what).join("; "));
  const request = serviceRequest(claim.service.target, plan.changes.filter(isFileChange));
  return parseDirector(ok(await session.request(request)));
}

async function carryOut(box: Box, kind: "serve" | "withdraw", claim: ServiceClaim): Promise<void> {
  const session = open(box);
  await apply(session, kind, claim);
  ok(await session.request(COMMIT_REQUEST));
  await session.end();
}

/** What a later refresh finds to be wrong about the boot. */
async function driftOf(box: Box, claim: ServiceClaim): Promise<string[]> {
  const session = box.open({ program: DIRECTOR_PROGRAM, mode: "share" });
  const { drift } = serviceReport(claim, parseDirector(ok(await session.answer())));
  await session.end();
  return drift.filter((line) => line.startsWith("boot: "));
}

async function replay(box: Box): Promise<{ status: number; stdout: string }> {
  return box.run(`/bin/sh ${REGISTRY}/replay 2>&1`, { allowFailure: true });
}

describe.concurrent.each(CASES)("a director's boot kit under $shell, $init", (options) => {
  const { unit, link, mode } = PLACES[options.init];

  it("comes with the first owner that wants it, is undone, and goes with the last", async ({
    expect,
  }) => {
    await using box = await Box.create(options);
    const clean = await box.snapshot();
    await carryOut(box, "serve", claimOf("plain", false));
    const plain = await box.snapshot();
    const lost = open(box);
    await apply(lost, "serve", claimOf("web"));
    expect(await box.snapshot()).toContain(unit);
    await lost.end();
    expect(await box.snapshot()).toBe(plain);

    await carryOut(box, "serve", claimOf("web"));
    const { stdout } = await box.run(
      `sha256sum <${unit}; sha256sum <${REGISTRY}/replay; stat -c %a ${unit}; readlink ${link}`,
    );
    const { replay: program, units } = DIRECTOR_KIT;
    expect(stdout).toBe(`${units[options.init].sum}  -\n${program.sum}  -\n${mode}\n${unit}\n`);
    expect(await driftOf(box, claimOf("web"))).toEqual([]);
    await carryOut(box, "withdraw", claimOf("web"));
    expect(await box.snapshot()).toBe(plain);
    await carryOut(box, "withdraw", claimOf("plain", false));
    expect(await box.snapshot()).toBe(clean);
  });

  it("is drift where it is changed or older, made right, and left where it is newer", async ({
    expect,
  }) => {
    await using box = await Box.create(options);
    await carryOut(box, "serve", claimOf("web"));
    const served = await box.snapshot();
    const asVersion = (version: number) =>
      box.run(`sed -i 's/lvs-dr boot [0-9]*:/lvs-dr boot ${version}:/' ${unit} ${REGISTRY}/replay`);
    await box.run(`echo '# mine' >>${unit}; rm ${link}; echo exit >>${REGISTRY}/replay`);
    expect(await driftOf(box, claimOf("web"))).toEqual([
      "boot: the program that puts the services back is missing, changed, or an older one",
      "boot: the unit that starts it is missing, changed, or an older one",
      "boot: the unit is not enabled",
    ]);
    await carryOut(box, "serve", claimOf("web"));
    expect(await box.snapshot()).toBe(served);
    await asVersion(0);
    await carryOut(box, "serve", claimOf("web"));
    expect(await box.snapshot()).toBe(served);
    await asVersion(999);
    const newer = await box.snapshot();
    expect(await driftOf(box, claimOf("web"))).toEqual([]);
    await carryOut(box, "serve", claimOf("web"));
    expect(await box.snapshot()).toBe(newer);
  });

  it("undoes the files of an operation that the boot cut off, and none of this boot's", async ({
    expect,
  }) => {
    await using box = await Box.create(options);
    await carryOut(box, "serve", claimOf("web", false));
    await carryOut(box, "serve", claimOf("plain"));
    const before = await box.snapshot();
    const cut = open(box);
    await apply(cut, "serve", claimOf("web"));
    await box.run(`cp -a ${REGISTRY} /mnt/cut; : >${OUTCOME}`);
    await cut.end();
    await box.run(`rm -r ${REGISTRY}; cp -a /mnt/cut ${REGISTRY}; : >${REGISTRY}/lock`);

    const refused = await replay(box);
    expect(refused.status).toBe(1);
    expect(refused.stdout).toContain(
      "failed: nothing is put back: an operation of a test was cut off in this boot, and the next one",
    );
    expect((await box.run(`cat ${REGISTRY}/journal`)).stdout).toContain("file old owners/");
    await box.run(`cat /proc/sys/kernel/random/uuid >/mnt/boot_id; rm ${OUTCOME}`);
    expect((await replay(box)).stdout).toMatch(/^undoing an operation that was cut off\n/);
    await box.run(`rm ${OUTCOME}`);
    expect((await box.snapshot()).replace(/^.*lock.*\n/gm, "")).toBe(
      before.replace(/^.*lock.*\n/gm, ""),
    );
  });

  it("tells a refresh that it failed, until an operation has put it right", async ({ expect }) => {
    await using box = await Box.create(options);
    await carryOut(box, "serve", claimOf("web"));
    const journal = `${REGISTRY}/journal`;
    await box.run(`printf 'lvs-dr-journal 1\\nboot b\\nby later\\nlater step\\n' >${journal}`);
    expect((await replay(box)).status).toBe(1);
    await box.run(`rm ${journal}`);
    const [line = ""] = await driftOf(box, claimOf("web"));
    expect(line).toMatch(/^boot: the replay failed: nothing is put back: .*: "later step"\. /);
    await carryOut(box, "serve", claimOf("web"));
    expect(await driftOf(box, claimOf("web"))).toEqual([]);
  });

  it("puts nothing back on a machine that the registry is not of, or where nobody is left", async ({
    expect,
  }) => {
    await using box = await Box.create(options);
    await carryOut(box, "serve", claimOf("web"));
    await box.run(`cp ${REGISTRY}/replay /mnt/replay`);
    await box.run(`sed -i 's/^machine-id .*/machine-id 0123/' ${REGISTRY}/machine`);
    const clone = await replay(box);
    expect(clone).toMatchObject({ status: 0 });
    expect(clone.stdout).toContain("belongs to another machine");
    await box.run(`rm -r ${REGISTRY}`);
    expect(await box.run("/bin/sh /mnt/replay")).toMatchObject({ status: 0, stdout: "" });
    expect((await box.run("ls /var/lib")).stdout).not.toContain("lvs-dr");
  });
});
