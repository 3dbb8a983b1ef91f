import { describe, expect, it } from "vitest";

import { COMMIT_REQUEST } from "../../src/protocol/program";
import { Box, FLAVOURS } from "../host/box";
import { claim, serve, withdraw } from "../host/claims";
import { carryOut, ok, prepare, TRYING, trying } from "../host/session";

const UNIT = "/etc/init.d/pulumi-lvs-dr";
const VIPS = ["203.0.113.10", "203.0.113.11", "2001:db8::10"];

// What the campaign found once, by the plainest way to it.
describe.each(FLAVOURS)("under $shell with $ip's ip", (flavour) => {
  it.each(["HUP", "TERM"])(
    "%s while the shell waits for the commit undoes it all",
    async (name) => {
      await using box = await Box.create(flavour);
      const before = await box.snapshot();
      const session = box.open({ vips: VIPS, program: TRYING });
      const { request } = await prepare(session, serve(claim("web", VIPS)));
      const shell = ok(await session.request(trying("body=$$")));
      ok(await session.request(request));
      await box.run(`kill -${name} ${shell}`);
      await session.end();
      expect(await box.snapshot()).toBe(before);
    },
  );

  it("a call of ip that does its work and is killed then is undone", async () => {
    await using box = await Box.create(flavour);
    const before = await box.snapshot();
    // The first address is bound, by whichever call, and nobody hears of it.
    await box.run(`cat >/mnt/first/ip <<'END'
#!/bin/sh
case "$*" in
  "-batch -") ;;
  *"addr add"*) ;;
  *) exec /mnt/first/real "$@" ;;
esac
/mnt/first/real "$@"
kill -KILL $$
END
      chmod 755 /mnt/first/ip
      cp "$(PATH=\${PATH#/mnt/first:} command -v ip)" /mnt/first/real
      [ ! -L /mnt/bin/ip ] || { rm /mnt/first/real; printf '#!/bin/sh\\nexec /mnt/bin/ip "$@"\\n' >/mnt/first/real; chmod 755 /mnt/first/real; }`);
    const session = box.open({ vips: VIPS });
    const { request } = await prepare(session, serve(claim("web", VIPS)));
    expect((await session.request(request)).status).toBe("rolled-back");
    await session.end();
    await box.run("rm /mnt/first/ip /mnt/first/real");
    expect(await box.snapshot()).toBe(before);
  });

  it.each([
    { when: "has made the folder and not the lock yet", tool: "mkdir", of: "*/lvs-dr/owners" },
    { when: "has made the lock and not taken it yet", tool: "flock", of: "*-x*" },
  ])("a TERM to a shell that $when leaves nothing", async ({ tool, of }) => {
    await using box = await Box.create(flavour);
    const before = await box.snapshot();
    await endAfter(box, tool, of);
    const session = box.open({ vips: VIPS });
    await expect(session.observed()).rejects.toThrow();
    await session.end();
    expect(await box.snapshot()).toBe(before);
  });

  it("a TERM to a shell that has removed its lock and not the folder yet leaves nothing", async () => {
    await using box = await Box.create(flavour);
    const before = await box.snapshot();
    const web = claim("web", VIPS);
    await carryOut(box.open({ vips: VIPS }), serve(web));
    await endAfter(box, "rm", "*/lvs-dr/lock");
    const session = box.open({ vips: VIPS });
    const { request } = await prepare(session, withdraw(web));
    ok(await session.request(request));
    expect((await session.request(COMMIT_REQUEST)).status).toBe("closed");
    await session.end();
    expect(await box.snapshot()).toBe(before);
  });

  it("the last one's folder is gone when the commit is answered", async () => {
    await using box = await Box.create(flavour);
    const web = claim("web", VIPS);
    await carryOut(box.open({ vips: VIPS }), serve(web));
    const session = box.open({ vips: VIPS });
    const { request } = await prepare(session, withdraw(web));
    ok(await session.request(request));
    ok(await session.request(COMMIT_REQUEST));
    const { stdout } = await box.run("ls -A /var/lib");
    expect(stdout).not.toContain("lvs-dr");
    await session.end();
  });

  it("a damaged machine file is an error, and not another machine's", async () => {
    await using box = await Box.create(flavour);
    await carryOut(box.open({ vips: VIPS }), serve(claim("web", VIPS)));
    await box.run("sed -i 's/^\\(machine-id ......\\)./\\1\\x01/' /var/lib/lvs-dr/machine");
    const session = box.open({ vips: VIPS });
    await expect(session.observed()).rejects.toThrow("registry file machine");
    await session.end();
    expect((await box.run("ls /var/lib/lvs-dr/owners")).stdout).not.toBe("");
  });

  it("the link to a unit that somebody removed goes with its owner", async () => {
    await using box = await Box.create({ ...flavour, init: "openrc" });
    const clean = await box.snapshot();
    const web = claim("web", VIPS, { persist: true });
    await carryOut(box.open({ vips: VIPS }), serve(web));
    await box.run(`rm ${UNIT}`);
    await carryOut(box.open({ vips: VIPS }), withdraw(web));
    expect(await box.snapshot()).toBe(clean);
  });

  it("half a unit that was written aside is gone with the undo", async () => {
    await using box = await Box.create({ ...flavour, init: "openrc" });
    await carryOut(box.open({ vips: VIPS }), serve(claim("web", VIPS, { persist: true })));
    const before = await box.snapshot();
    const session = box.open({ vips: VIPS, program: TRYING });
    await session.observed();
    ok(
      await session.request(
        `begin '' 'boot/unit' && ${trying("path_of boot/unit && echo half >$aside")}`,
      ),
    );
    await session.end();
    expect(await box.snapshot()).toBe(before);
  });

  it("what the replay failed at is told until an owner that it is for converges", async () => {
    await using box = await Box.create({ ...flavour, init: "openrc" });
    const other = claim("other", ["203.0.113.12"], { persist: true });
    await carryOut(box.open({ vips: other.vips.map((vip) => vip.address) }), serve(other));
    await box.run("echo 'failed eth9 is not there' >/run/pulumi-lvs-dr.boot");
    // VIPs of an owner that does not persist are none that the replay left unbound.
    const web = await carryOut(box.open({ vips: VIPS }), serve(claim("web", VIPS)));
    expect(web.boot.failure).toBe("eth9 is not there");
    const right = await carryOut(box.open(), serve(other));
    expect(right.boot.failure).toBeUndefined();
  });

  it("where units cannot be written, an operation that fails leaves no journal", async () => {
    await using box = await Box.create({ ...flavour, init: "openrc" });
    const folder = UNIT.replace(/\/[^/]*$/, "");
    await box.run(`mount --bind ${folder} ${folder}; mount -o remount,bind,ro ${folder}`);
    const before = await box.snapshot();
    const session = box.open({ vips: VIPS });
    const { request } = await prepare(session, serve(claim("web", VIPS, { persist: true })));
    expect((await session.request(request)).status).toBe("rolled-back");
    await session.end();
    expect(await box.snapshot()).toBe(before);
  });

  it("an undo that leaves a sysctl strict keeps the saved value of that one alone", async () => {
    await using box = await Box.create(flavour);
    const strict = { arp: { ignore: 2, announce: 2, interfaces: "all", except: [] } } as const;
    await carryOut(box.open({ vips: VIPS }), serve(claim("web", VIPS, strict)));
    // Somebody makes the host leak; the operation makes it silent, lowers the other key, and fails.
    await box.run("echo 0 >/proc/sys/net/ipv4/conf/all/arp_announce");
    const session = box.open({ vips: VIPS });
    const { request } = await prepare(session, serve(claim("web", VIPS)));
    ok(await session.request(request));
    await session.end();
    const { stdout } = await box.run(
      "cat /proc/sys/net/ipv4/conf/all/arp_ignore /proc/sys/net/ipv4/conf/all/arp_announce; cat /var/lib/lvs-dr/saved",
    );
    expect(stdout.split("\n").sort()).toEqual(
      ["", "2", "2", "end", "lvs-dr-saved 1"].concat(
        "sysctl arp_announce 0 2 all",
        "sysctl arp_ignore 0 2 all",
      ),
    );
  });
});

/** Has a tool called with such words do its work, and then send TERM to the shell that runs an operation. */
async function endAfter(box: Box, tool: string, words: string): Promise<void> {
  await box.run(`cat >/mnt/first/${tool} <<'END'
#!/bin/sh
PATH=\${PATH#/mnt/first:}
${tool} "$@"
status=$?
case "$*" in
  ${words})
    shell=$PPID
    until read -r _ _ _ parent _ <"/proc/$shell/stat" && ! grep -q lvs-dr "/proc/$parent/cmdline"; do
      shell=$parent
    done
    kill "$shell"
    ;;
esac
exit "$status"
END
    chmod 755 /mnt/first/${tool}`);
}
