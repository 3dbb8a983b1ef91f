import { describe, it } from "vitest";

import { Box, eventually, FLAVOURS } from "./box";
import { claim, serve, withdraw } from "./claims";
import { carryOut, ok, prepare, type Session } from "./session";

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
    const readers = [box.open({ mode: "share" }), box.open({ mode: "share" })];
    for (const reader of readers) expect((await reader.observed()).registry?.owners.size).toBe(1);
    const writer = box.open();
    await eventually(
      () => writer.notes,
      (notes) => notes.length > 0,
    );
    expect(writer.notes).toEqual(["waiting for the lock held by an inspection"]);
    await Promise.all(readers.map((reader) => reader.end()));
    ok(await writer.answer());
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

  it("is never had by two, though the last owner always removes its folder", async ({ expect }) => {
    await using box = await Box.create(flavour);
    const before = await box.snapshot();
    const inside: string[] = [];
    let most = 0;
    const count = (session: Session, name: string): Session => {
      const request = session.request.bind(session);
      session.request = async (line) => {
        if (line.startsWith("begin")) inside.push(name);
        most = Math.max(most, inside.length);
        // Before the commit is sent: after it, the next may be in.
        if (line === "commit") inside.splice(inside.indexOf(name), 1);
        return request(line);
      };
      return session;
    };
    const life = async (number: number) => {
      const name = `owner-${number}`;
      const vip = `198.51.100.${number}`;
      const mine = claim(name, [vip]);
      const open = () => count(box.open({ vips: [vip], seconds: 100 }), name);
      await carryOut(open(), serve(mine));
      await carryOut(open(), withdraw(mine));
    };
    await Promise.all(Array.from({ length: 12 }, (_, number) => life(number)));
    expect(most).toBe(1);
    expect(inside).toEqual([]);
    expect(await box.snapshot()).toBe(before);
  });
});
