import { describe, it } from "vitest";

import { changeRequest } from "../../src/plan/request";
import { giveUpRequest } from "../../src/protocol/program";
import { Box, FLAVOURS } from "./box";
import { claim, serve, withdraw } from "./claims";
import { carryOut, ok, prepare, TRYING, trying, type Answer, type Session } from "./session";

const [A, B, C] = ["203.0.113.10", "203.0.113.11", "203.0.113.12"] as const;
const ARP = "/proc/sys/net/ipv4/conf/all";

describe.concurrent.each(FLAVOURS)("an undo under $shell with the ip of $ip", (flavour) => {
  it("gives an address that was adopted its scope, lifetimes and odd label back", async ({
    expect,
  }) => {
    await using box = await Box.create(flavour);
    await box.run(`
      echo 1 >${ARP}/arp_ignore; echo 2 >${ARP}/arp_announce
      /usr/sbin/ip addr add ${A}/32 dev lo scope link label 'lo:a  "b#c*' valid_lft 90500 preferred_lft 80500`);
    const before = await box.snapshot();
    const session = box.open({ vips: [A] });
    const { request } = await prepare(session, serve(claim("web", [A])));
    expect(await session.request(`${request} && ${giveUpRequest("so")}`)).toEqual({
      status: "rolled-back",
      body: "so",
    });
    await session.end();
    expect(await box.snapshot()).toBe(before);
  });

  it("leaves an address alone that somebody else bound since we looked", async ({ expect }) => {
    await using box = await Box.create(flavour);
    const session = box.open({ vips: [A, B, C] });
    const { request } = await prepare(session, serve(claim("web", [A, B, C])));
    await box.run(`ip addr add ${B}/32 dev lo label lo:theirs`);
    const theirs = await box.snapshot();
    const answer = await session.request(request);
    expect(answer.status).toBe("rolled-back");
    expect(answer.body).toMatch(/File exists|already assigned/);
    expect(answer.body).toContain(`(at ${B}/32)`);
    await session.end();
    expect(await box.snapshot()).toBe(theirs.replace(/^.*lvs-dr.*\n/gm, ""));
  });

  it("leaves a sysctl alone that somebody else has set since", async ({ expect }) => {
    await using box = await Box.create(flavour);
    const session = box.open({ vips: [A] });
    const { request } = await prepare(session, serve(claim("web", [A])));
    ok(await session.request(request));
    await box.run(`echo 8 >${ARP}/arp_ignore`);
    expect((await session.request(giveUpRequest("so"))).status).toBe("rolled-back");
    await session.end();
    expect((await box.run(`cat ${ARP}/arp_ignore ${ARP}/arp_announce`)).stdout).toBe("8\n0\n");
  });

  it("keeps the sysctls where a VIP that leaked before would leak again, and says so", async ({
    expect,
  }) => {
    await using box = await Box.create(flavour);
    await box.run(`ip addr add ${A}/32 dev lo`);
    const { answer, session } = await failing(box.open({ vips: [A, B] }), [A, B]);
    expect(answer.status).toBe("rolled-back");
    expect(answer.body).toContain("arp_announce of all stays 2 (it was 0)");
    expect(answer.body).toContain("arp_ignore of all stays 1 (it was 0)");
    await session.end();
    const { stdout } = await box.run(
      `cat ${ARP}/arp_ignore ${ARP}/arp_announce; ip -o addr show lo`,
    );
    expect(stdout).toMatch(/^1\n2\n/);
    expect(stdout).toContain(`${A}/32 scope global lo\\`);
    expect(stdout).not.toContain(B);
    // What the values were is still known, so the next owner's end restores them.
    await box.run(`ip addr del ${A}/32 dev lo`);
    await carryOut(box.open({ vips: [A] }), serve(claim("web", [A])));
    await carryOut(box.open({ vips: [A] }), withdraw(claim("web", [A])));
    expect(
      (await box.run(`cat ${ARP}/arp_ignore ${ARP}/arp_announce; ls -A /var/lib`)).stdout,
    ).toMatch(/^0\n0\n(dbus\n)?$/);
  });

  it("carries lines of a later version along with what was saved", async ({ expect }) => {
    await using box = await Box.create(flavour);
    await carryOut(box.open({ vips: [A] }), serve(claim("web", [A])));
    // It leaks by now, so what the operation tightens has to stay.
    await box.run(`echo 0 >${ARP}/arp_ignore`);
    const session = box.open({ vips: [A, B] });
    const { request } = await prepare(session, serve(claim("web", [A, B])));
    const saved = "/var/lib/lvs-dr/saved";
    await box.run(`sed -i '1a since 2030 "x" $y' ${saved}; sed -i '/^end/i flag' ${saved}`);
    const answer = await session.request(`${request} && ${giveUpRequest("so")}`);
    expect(answer.body).toContain("arp_ignore of all stays 1 (it was 0)");
    await session.end();
    expect((await box.run(`cat ${saved}`)).stdout.split("\n").sort()).toEqual(
      ["", "end", "flag", "lvs-dr-saved 1", 'since 2030 "x" $y'].concat(
        "sysctl arp_announce 0 2 all",
        "sysctl arp_ignore 0 1 all",
      ),
    );
  });

  it("keeps journal and sysctls while an address cannot be removed, and finishes later", async ({
    expect,
  }) => {
    await using box = await Box.create(flavour);
    const before = await box.snapshot();
    await box.wrapIp(`case "$*" in *"addr del ${B}"*) exit 2 ;; esac`);
    const session = box.open({ vips: [A, B] });
    const { request } = await prepare(session, serve(claim("web", [A, B])));
    ok(await session.request(request));
    await box.run("touch /mnt/on");
    const stuck = await session.request(giveUpRequest("so"));
    expect(stuck.status).toBe("stuck");
    expect(stuck.body).toContain(`so; ${B}/32 could not be removed from lo`);
    await session.end();
    expect((await box.run(`cat ${ARP}/arp_ignore ${ARP}/arp_announce`)).stdout).toBe("1\n2\n");
    const early = box.open({ vips: [A, B] });
    expect(await early.answer()).toMatchObject({
      status: "failed",
      body: expect.stringContaining("could not be removed from lo") as string,
    });
    await early.closed;
    await box.run("rm /mnt/on");
    const reader = box.open({ mode: "share" });
    ok(await reader.answer());
    await reader.end();
    expect(await box.snapshot()).toBe(before);
  });

  it("undoes what an ip did that was killed in the middle of its work", async ({ expect }) => {
    await using box = await Box.create(flavour);
    const before = await box.snapshot();
    // It binds the first address and dies before it can say anything.
    const first = flavour.ip === "iproute2" ? 'head -n1 | "$ip" -batch -;' : "";
    await box.wrapIp(`case "$*" in *batch*|*"addr add ${B}"*) ${first} kill -9 $$ ;; esac`);
    const session = box.open({ vips: [A, B] });
    const { request } = await prepare(session, serve(claim("web", [A, B])));
    await box.run("touch /mnt/on");
    expect((await session.request(request)).status).toBe("rolled-back");
    await session.end();
    expect(await box.snapshot()).toBe(before);
  });

  it("is the same when it is done twice, as after a kill in the midst of it", async ({
    expect,
  }) => {
    await using box = await Box.create(flavour);
    await carryOut(box.open({ vips: [A, B] }), serve(claim("web", [A, B])));
    const before = await box.snapshot();
    const session = box.open({ vips: [A, C], program: TRYING });
    const { request } = await prepare(session, serve(claim("web", [A, C])));
    ok(await session.request(request));
    const once = "cp $journal /mnt/journal; cp -r $registry/undo /mnt/undo; undo";
    const again = "mv /mnt/journal $journal; mv /mnt/undo $registry/undo; undo; body=done";
    ok(await session.request(trying(`${once}; ${again}`)));
    await session.end();
    expect(await box.snapshot()).toBe(before);
  });

  it("undoes 300 addresses", async ({ expect }) => {
    await using box = await Box.create(flavour);
    const many = Array.from({ length: 300 }, (_, i) => `198.51.${100 + (i >> 8)}.${i & 255}`);
    const before = await box.snapshot();
    const { answer, session } = await failing(box.open({ vips: many }), many);
    expect(answer).toEqual({ status: "rolled-back", body: "so" });
    await session.end();
    expect(await box.snapshot()).toBe(before);
  });
});

describe.concurrent.each(FLAVOURS)(
  "VIPs stay silent under $shell with the ip of $ip",
  (flavour) => {
    const SILENT = "1 2";

    it("while they are bound, withdrawn, and brought back by an undo", async ({ expect }) => {
      await using box = await Box.create(flavour);
      // What the sysctls are whenever ip changes an address.
      await box.wrapIp(
        `case "$*" in *batch*|*"addr add"*|*"addr del"*)
        read -r a <${ARP}/arp_ignore; read -r b <${ARP}/arp_announce; echo "$a $b" >>/mnt/seen ;; esac`,
      );
      await box.run("touch /mnt/on");
      const seen = async () => {
        const { stdout } = await box.run("sort -u /mnt/seen; rm /mnt/seen");
        return stdout.trim();
      };
      // The routes of an observation are asked by batch, too.
      const changesOnly = (session: Session) => session.request(trying("body=x; rm -f /mnt/seen"));
      const steps: [string[], ReturnType<typeof serve>, boolean][] = [
        [[A, B], serve(claim("web", [A, B])), false],
        [[A, B], serve(claim("web", [A, B])), true],
        [[A, B], withdraw(claim("web", [A, B])), false],
        [[A, B], withdraw(claim("web", [A, B])), true],
      ];
      for (const [vips, desired, commits] of steps) {
        const session = box.open({ vips, program: TRYING });
        const { verbs, request } = await prepare(session, desired);
        await changesOnly(session);
        if (commits) {
          ok(await session.request(verbs.slice(0, -1).join(" && ")));
          ok(await session.request("commit"));
        } else {
          await session.request(
            `${request.replace(/ && observe.*$/, "")} && ${giveUpRequest("so")}`,
          );
        }
        expect(await seen(), `${desired.kind} ${commits}`).toBe(SILENT);
        await session.end();
      }
    });
  },
);

/** Everything is done, and then given up. */
async function failing(
  session: Session,
  vips: readonly string[],
): Promise<{ answer: Answer; session: Session }> {
  const { needed } = await prepare(session, serve(claim("web", vips)));
  const request = changeRequest(needed.changes, needed.guard, []);
  return { answer: await session.request(`${request} && ${giveUpRequest("so")}`), session };
}
