import { describe, it } from "vitest";

import { giveUpRequest } from "../../src/protocol/program";
import { Box, eventually, FLAVOURS } from "./box";
import { claim, serve, withdraw } from "./claims";
import { carryOut, ok, prepare, TRYING, trying } from "./session";

const VIPS = ["203.0.113.10", "203.0.113.11"];
const [A, B] = VIPS as [string, string];
const SHELLS = FLAVOURS.filter((flavour) => flavour.ip === "iproute2");

describe.concurrent.each(SHELLS)("the lock under $shell", (flavour) => {
  it("lets writers take turns, and tells the second who holds it", async ({ expect }) => {
    await using box = await Box.create(flavour);
    const first = box.open({ vips: [A], holder: "org/the first" });
    const { request } = await prepare(first, serve(claim("first", [A])));
    const second = box.open({ vips: [B], holder: "org/the second" });
    ok(await first.request(request));
    await eventually(
      () => second.notes,
      (notes) => notes.length > 0,
    );
    expect(second.notes[0]).toMatch(
      /^waiting for the lock held by org\/the first, at most until \d\d:\d\d:\d\dZ$/,
    );
    ok(await first.request("commit"));
    await first.end();
    const seen = await carryOut(second, serve(claim("second", [B])));
    expect(second.notes).toHaveLength(1);
    expect(seen.registry?.owners.size).toBe(2);
  });

  it("is not had by the deadline: busy, with the holder's name", async ({ expect }) => {
    await using box = await Box.create(flavour);
    const first = box.open({ holder: "org/the first" });
    ok(await first.answer());
    const second = box.open({ seconds: 2, holder: "org/the second" });
    expect(await second.answer()).toEqual({
      status: "busy",
      body: expect.stringMatching(/^org\/the first, at most until \d\d:\d\d:\d\dZ$/) as string,
    });
    await second.closed;
    await first.end();
  });

  it("is shared by readers, and keeps a writer out meanwhile", async ({ expect }) => {
    await using box = await Box.create(flavour);
    await carryOut(box.open({ vips: [A] }), serve(claim("web", [A])));
    // What readers look at takes as long as there is a file /mnt/on.
    await box.run(`cat >/mnt/first/ip <<'END'
#!/bin/sh
echo >>/mnt/looks
while [ -e /mnt/on ]; do sleep 0.02; done
exec /usr/sbin/ip "$@"
END
chmod +x /mnt/first/ip; touch /mnt/on`);
    const readers = [box.open({ mode: "share" }), box.open({ mode: "share" })];
    await box.run('until [ "$(grep -c "" /mnt/looks)" = 2 ]; do sleep 0.02; done');
    const writer = box.open();
    await eventually(
      () => writer.notes,
      (notes) => notes.length > 0,
    );
    expect(writer.notes).toEqual(["waiting for the lock held by an inspection"]);
    await box.run("rm /mnt/on");
    for (const reader of readers) expect((await reader.observed()).registry?.owners.size).toBe(1);
    // The readers have their answers, and keep nobody any more.
    ok(await writer.answer());
    await Promise.all(readers.map((reader) => reader.end()));
    await writer.end();
  });

  it("keeps a reader from seeing what is not committed, also on a host's first create", async ({
    expect,
  }) => {
    await using box = await Box.create(flavour);
    const writer = box.open({ vips: [A] });
    const { request } = await prepare(writer, serve(claim("web", [A])));
    ok(await writer.request(request));
    const reader = box.open({ mode: "share" });
    await eventually(
      () => reader.notes,
      (notes) => notes.length > 0,
    );
    await writer.end(); // rolled back, and the folder is gone
    const { registry, addresses } = await reader.observed();
    expect(registry).toBeUndefined();
    expect(addresses.map((one) => one.address)).not.toContain(A);
    await reader.end();
    expect((await box.run("ls /var/lib")).stdout).not.toContain("lvs-dr");
  });

  it("is nobody's any more once a committed session has ended", async ({ expect }) => {
    await using box = await Box.create(flavour);
    for (let turn = 0; turn < 5; turn++) {
      const session = box.open({ vips: [A] });
      await carryOut(session, turn % 2 ? withdraw(claim("web", [A])) : serve(claim("web", [A])));
      // No waiting, no note: at once.
      const next = box.open();
      ok(await next.answer());
      expect(next.notes).toEqual([]);
      await next.end();
      await eventually(
        () => box.processes(),
        (left) => left.length === 0,
        2,
      );
    }
  });

  it("makes a reader look again when a writer came in after it had found no lock", async ({
    expect,
  }) => {
    await using box = await Box.create(flavour);
    // The first look at the addresses takes as long as there is a file /mnt/on.
    await box.run(`cat >/mnt/first/ip <<'END'
#!/bin/sh
! mkdir /mnt/looking 2>/dev/null ||
  while [ -e /mnt/on ]; do sleep 0.02; done
exec /usr/sbin/ip "$@"
END
chmod +x /mnt/first/ip; touch /mnt/on`);
    const reader = box.open({ mode: "share" });
    await box.run("until [ -e /mnt/looking ]; do sleep 0.02; done");
    const writer = box.open({ vips: [A] });
    const { request } = await prepare(writer, serve(claim("web", [A])));
    ok(await writer.request(request));
    await box.run("rm /mnt/on");
    await eventually(
      () => reader.notes,
      (notes) => notes.length > 0,
    );
    await writer.end();
    const { addresses, registry } = await reader.observed();
    expect(registry).toBeUndefined();
    expect(addresses.map((one) => one.address)).not.toContain(A);
    await reader.end();
  });

  it("is never had by two, though every operation that leaves no owner removes the folder", async ({
    expect,
  }) => {
    await using box = await Box.create(flavour);
    // The moment between the end of the lock and that of its folder is drawn out.
    await box.run(`cat >/mnt/first/rm <<'END'
#!/bin/sh
PATH=\${PATH#*:}
rm "$@" || exit
case "$*" in *lock) sleep 0.05 ;; esac
END
chmod +x /mnt/first/rm`);
    const before = await box.snapshot();
    const life = async (number: number) => {
      for (let turn = 0; turn < 3; turn++) {
        const vips = [`198.51.100.${number}`];
        const session = box.open({ vips, seconds: 100, program: TRYING });
        const { verbs } = await prepare(session, serve(claim(`owner-${number}`, vips)));
        const alone = [
          trying("mkdir /mnt/inside"),
          ...verbs,
          trying("rmdir /mnt/inside"),
          giveUpRequest("so"),
        ];
        // Where two are in, mkdir fails, or a file of the registry goes away beneath a verb.
        expect(await session.request(alone.join(" && "))).toEqual({
          status: "rolled-back",
          body: "so",
        });
        await session.end();
      }
    };
    await Promise.all(Array.from({ length: 12 }, async (_, number) => life(number)));
    expect(await box.snapshot()).toBe(before);
  });
});
