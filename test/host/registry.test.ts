import { describe, it } from "vitest";

import { changeRequest } from "../../src/plan/request";
import { giveUpRequest, quote } from "../../src/protocol/program";
import { parseObservation } from "../../src/observed/observed";
import { idOf } from "../../src/observed/registry";
import { UnreadableAnswer } from "../../src/protocol/answer";
import { plan } from "../../src/plan/plan";
import { Box, FLAVOURS } from "./box";
import { claim, serve, withdraw } from "./claims";
import { carryOut, ok, prepare, TRYING, trying } from "./session";

const [A, B] = ["203.0.113.10", "203.0.113.11"] as const;
const LIB = "/var/lib/lvs-dr";
const CUT = trying('kill -KILL "$watchdog"; kill -KILL $$');

describe.concurrent.each(FLAVOURS)("the registry under $shell with the ip of $ip", (flavour) => {
  it("is not made by looking, by reading, by a refused request or by a failed one", async ({
    expect,
  }) => {
    await using box = await Box.create(flavour);
    const before = await box.snapshot();
    for (const mode of ["look", "share", "hold"] as const) {
      const session = box.open({ mode, vips: [A] });
      const { registry, ...seen } = await session.observed();
      if (mode !== "hold") expect(registry).toBeUndefined();
      else expect(registry?.owners.size).toBe(0);
      expect(seen.session).toEqual({ client: "10.9.0.1", server: "10.9.0.2" });
      expect(seen.nics.map((nic) => nic.name)).toEqual(["eth0", "wire0"]);
      const { status } = await session.request(giveUpRequest("so"));
      expect(status, "a reader ends with its answer").toBe(
        mode === "share" ? "closed" : "rolled-back",
      );
      await session.end();
      expect(await box.snapshot()).toBe(before);
    }
  });

  it("of another boot has only its files undone", async ({ expect }) => {
    await using box = await Box.create(flavour);
    await carryOut(box.open({ vips: [A] }), serve(claim("web", [A])));
    const files = (snapshot: string) => snapshot.replace(/^[^.\n]*lo .*\n/gm, "");
    const before = files(await box.snapshot());
    const session = box.open({ vips: [A, B], program: TRYING });
    const { verbs } = await prepare(session, serve(claim("web", [A, B])));
    await session.request([...verbs, CUT].join(" && "));
    // Of steps that were not on disk yet there are zeros.
    await box.run(
      `sed -i 's/^boot .*/boot of-yesterday/' ${LIB}/journal; printf '\\000\\000\\n\\000\\n' >>${LIB}/journal`,
    );
    const reader = box.open({ mode: "share", vips: [A, B] });
    const { addresses, registry } = await reader.observed();
    await reader.end();
    expect(addresses.map((one) => one.address)).toContain(B);
    expect([...(registry?.owners.values() ?? [])].map((owner) => owner.vips)).toEqual([[A]]);
    expect(files(await box.snapshot())).toBe(before);
  });

  it("of another machine is set aside with a note, and gone with the last owner", async ({
    expect,
  }) => {
    await using box = await Box.create(flavour);
    const clean = await box.snapshot();
    await carryOut(box.open({ vips: [A] }), serve(claim("web", [A])));
    await box.run(`ip addr del ${A}/32 dev lo`);
    for (const key of ["ignore", "announce"])
      await box.run(`echo 0 >/proc/sys/net/ipv4/conf/all/arp_${key}`);
    await box.run(`sed -i 's/^machine-id .*/machine-id the-template/' ${LIB}/machine`);
    const session = box.open({ vips: [B] });
    await carryOut(session, serve(claim("db", [B])));
    expect(session.notes).toEqual([
      "the registry on this host belongs to another machine (a clone?), and says nothing about this one",
      "the other machine's registry is set aside in /var/lib/lvs-dr/aside, until the last owner goes",
    ]);
    const { stdout } = await box.run(`ls ${LIB}/aside/owners ${LIB}/owners | grep -c ....`);
    expect(stdout).toBe("4\n");
    await carryOut(box.open({ vips: [B] }), withdraw(claim("db", [B])));
    expect(await box.snapshot()).toBe(clean);
  });

  it("of another machine is nobody's to a reader, and stays where it is when nothing is written", async ({
    expect,
  }) => {
    await using box = await Box.create(flavour);
    await carryOut(box.open({ vips: [A] }), serve(claim("web", [A])));
    await box.run(`sed -i 's/^machine-id .*/machine-id the-template/' ${LIB}/machine`);
    const before = await box.snapshot();
    for (const mode of ["share", "hold"] as const) {
      const session = box.open({ mode, vips: [A] });
      expect((await session.observed()).registry).toBeUndefined();
      await session.end();
      expect(session.notes).toHaveLength(1);
    }
    expect(await box.snapshot()).toBe(before);
  });

  it("that cannot be read is an error, never an empty one", async ({ expect }) => {
    await using box = await Box.create(flavour);
    await carryOut(box.open({ vips: [A] }), serve(claim("web", [A])));
    await box.run(`cp -a ${LIB} /mnt/good`);
    for (const harm of [
      ": >owners/*",
      "head -c 100 owners/* >/mnt/x; cat /mnt/x >owners/*",
      "head -c 300 /dev/zero >owners/*",
      "head -c 300 /dev/urandom >owners/*",
      "echo >>saved",
      ": >saved",
      ": >machine",
      "touch owners/README",
      "mv owners/* owners/0123456789abcdef0123456789abcdef",
    ]) {
      await box.run(
        `cd ${LIB} && set -- owners/* && ${harm.replaceAll("owners/* ", '"$1" ').replace(/owners\/\*$/, '"$1"')}`,
      );
      const session = box.open({ mode: "share" });
      const body = ok(await session.answer());
      expect(() => parseObservation(body), harm).toThrow(UnreadableAnswer);
      await session.end();
      await box.run(`rm -rf ${LIB} && cp -a /mnt/good ${LIB}`);
    }
  });

  it("keeps the lines of a later version in every file, through each of its owner's lives", async ({
    expect,
  }) => {
    await using box = await Box.create(flavour);
    const clean = await box.snapshot();
    await carryOut(box.open({ vips: [A] }), serve(claim("web", [A])));
    const later = `x-note überall 'so' "$x" \\ # *`;
    await box.run(
      `cd ${LIB} && for file in owners/* saved; do
         sed -i '$d' "$file" && printf '%s\\n' ${quote(later)} x-flag end >>"$file"
       done && echo x-more >>machine && echo theirs >notes`,
    );
    const unknown = [later, "x-flag"];
    const lives = [
      claim("web", [A]),
      claim("web", [A, B]),
      claim("renamed", [A, B], { incarnation: "web-1" }),
      claim("renamed", [A], { incarnation: "web-2" }),
    ];
    for (const [at, life] of lives.entries()) {
      const before = await box.snapshot();
      const session = box.open({ vips: [A, B] });
      const { registry } = await carryOut(session, serve(life));
      expect([...(registry?.owners ?? [])]).toMatchObject([[idOf(life.owner), { unknown }]]);
      expect(registry?.saved.unknown).toEqual(unknown);
      expect(registry?.machine?.unknown).toEqual(["x-more"]);
      expect((await box.snapshot()) === before).toBe(at === 0);
    }
    const last = lives.at(-1) ?? claim("web", []);
    const { registry } = await carryOut(box.open({ vips: [A, B] }), withdraw(last));
    expect(registry?.owners.size).toBe(0);
    const { stdout } = await box.run(`cd ${LIB} && find . -type f | sort && cat saved`);
    expect(stdout.split("\n")).toEqual([
      ...["./lock", "./machine", "./notes", "./saved"],
      ...["lvs-dr-saved 1", ...unknown, "end", ""],
    ]);
    await box.run(`rm -r ${LIB}`);
    expect(await box.snapshot()).toBe(clean);
  });

  it("of a later format is named, and is nothing that an operation passes over", async ({
    expect,
  }) => {
    await using box = await Box.create(flavour);
    await carryOut(box.open({ vips: [A] }), serve(claim("web", [A])));
    for (const file of [`owners/${idOf("web")}`, "saved", "machine"]) {
      await box.run(`sed -i '1s/1$/2/' ${LIB}/${file}`);
      const session = box.open({ vips: [A] });
      await expect(session.observed()).rejects.toThrow(
        `registry file ${file} has format 2, and this pulumi-lvs-dr reads format 1`,
      );
      await session.end();
      await box.run(`sed -i '1s/2$/1/' ${LIB}/${file}`);
    }
  });

  it("refuses before anything is touched where the disk is full", async ({ expect }) => {
    await using box = await Box.create({ ...flavour, disk: "mode=755,size=24k" });
    const before = await box.snapshot();
    await box.run("dd if=/dev/zero of=/var/lib/full bs=1k count=100", { allowFailure: true });
    for (let room = 0; room < 5; room++) {
      const session = box.open({ vips: [A] });
      const answer = await session.answer();
      if (answer.status === "ok") {
        const seen = parseObservation(answer.body);
        const { changes, guard } = plan(serve(claim("web", [A])), seen);
        const said = await session.request(changeRequest(changes, guard, [A]));
        expect(said.status, `${room}: ${said.body.slice(0, 200)}`).toBe("rolled-back");
        expect(said.body).toMatch(/cannot be (written|made)/);
      } else {
        expect(answer.status).toBe("failed");
      }
      await session.end();
      await box.run(`mv /var/lib/full /mnt/full`);
      expect(await box.snapshot()).toBe(before);
      // A page more room each time.
      await box.run(`dd if=/dev/zero of=/var/lib/full bs=1k count=${20 - 4 * room}; rm /mnt/full`, {
        allowFailure: true,
      });
    }
  });

  it("refuses before anything is touched where the disk is read-only", async ({ expect }) => {
    await using box = await Box.create(flavour);
    await carryOut(box.open({ vips: [A] }), serve(claim("web", [A])));
    await box.run("mount -o remount,ro /var/lib");
    const before = await box.snapshot();
    const session = box.open({ vips: [A, B] });
    expect(await session.answer()).toMatchObject({ status: "failed" });
    await session.end();
    expect(await box.snapshot()).toBe(before);
    const reader = box.open({ mode: "share", vips: [A] });
    expect((await reader.observed()).registry?.owners.size).toBe(1);
    await reader.end();
  });

  it("says that sysctls are read-only, and binds nothing without them", async ({ expect }) => {
    await using box = await Box.create(flavour);
    await box.run("mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys");
    const before = await box.snapshot();
    const session = box.open({ vips: [A] });
    await expect(prepare(session, serve(claim("web", [A])))).rejects.toThrow(/read-only|writ/);
    const again = box.open({ vips: [A] });
    ok(await again.answer());
    expect(await again.request("begin '' 'saved' && sysctl 'all' 'arp_ignore' '0' '1'")).toEqual({
      status: "rolled-back",
      body: "arp_ignore of all is 0 after writing 1",
    });
    await again.end();
    expect(await box.snapshot()).toBe(before);
  });
});
