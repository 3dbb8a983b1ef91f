import { describe, it, vi } from "vitest";

import { Box, eventually, FLAVOURS } from "./box";
import { claim, serve } from "./claims";
import { carryOut, ok, prepare, TRYING, trying, type Session } from "./session";

// They spend their time waiting.
vi.setConfig({ maxConcurrency: 12 });

const VIPS = ["203.0.113.10", "203.0.113.11", "2001:db8::10"];
const WEB = serve(claim("web", VIPS));

/** After which verb: the last one of each kind, and none but the journal. */
const MOMENTS = ["begin", "put", "sysctl", "addresses"] as const;
const TIMES = FLAVOURS.flatMap((flavour, turn) => {
  const moment = MOMENTS[turn % 4] ?? "begin";
  const next = MOMENTS[(turn + 2) % 4] ?? "begin";
  return [
    { ...flavour, moment },
    { ...flavour, moment: next },
  ];
});

describe.concurrent.each(TIMES)("under $shell with the ip of $ip, after $moment", (given) => {
  it("a shell that is killed is undone by its watchdog within seconds", async ({ expect }) => {
    await using box = await Box.create(given);
    const before = await box.snapshot();
    const session = box.open({ vips: VIPS, program: TRYING });
    await session.request(await upTo(session, given.moment, "kill -KILL $$"));
    await eventually(
      () => box.processes(),
      (left) => left.length === 0,
      8,
    );
    expect(await box.snapshot()).toBe(before);
  });

  it("a shell that stalls past its deadline is undone", async ({ expect }) => {
    await using box = await Box.create(given);
    const before = await box.snapshot();
    const session = box.open({ vips: VIPS, seconds: 5, program: TRYING });
    void session.request(await upTo(session, given.moment, "kill -STOP $$"));
    session.letGo();
    await eventually(
      () => box.processes(),
      (left) => left.length === 0,
      20,
    );
    expect(await box.snapshot()).toBe(before);
  });

  it("what a killed shell and watchdog left is undone by the next operation", async ({
    expect,
  }) => {
    await using box = await Box.create(given);
    const before = await box.snapshot();
    const session = box.open({ vips: VIPS, program: TRYING });
    await session.request(
      await upTo(session, given.moment, 'kill -KILL "$watchdog" && kill -KILL $$'),
    );
    expect(await box.snapshot()).not.toBe(before);
    const reader = box.open({ mode: "share", vips: VIPS });
    const { addresses, registry } = await reader.observed();
    expect(reader.notes).toEqual(["undoing an operation that was cut off"]);
    expect(addresses.filter((one) => VIPS.includes(one.address))).toEqual([]);
    expect(registry?.owners.size).toBe(0);
    await reader.end();
    expect(await box.snapshot()).toBe(before);
    await carryOut(box.open({ vips: VIPS }), WEB);
  });
});

describe.concurrent.each(FLAVOURS)("under $shell with the ip of $ip", (flavour) => {
  it("a registry that a killed shell and watchdog left without a journal goes with the next reader", async ({
    expect,
  }) => {
    await using box = await Box.create(flavour);
    const before = await box.snapshot();
    const session = box.open({ vips: VIPS, program: TRYING });
    await session.request(trying('kill -KILL "$watchdog" && kill -KILL $$'));
    expect(await box.snapshot()).not.toBe(before);
    const reader = box.open({ mode: "share", vips: VIPS });
    expect((await reader.observed()).registry?.owners.size).toBe(0);
    await reader.end();
    expect(reader.notes).toEqual([]);
    expect(await box.snapshot()).toBe(before);
  });

  it("a client that stalls before its commit is undone at the deadline", async ({ expect }) => {
    await using box = await Box.create(flavour);
    const before = await box.snapshot();
    const session = box.open({ vips: VIPS, seconds: 5 });
    const { request } = await prepare(session, WEB);
    ok(await session.request(request));
    await session.closed;
    expect(await box.snapshot()).toBe(before);
    expect(box.processes()).toEqual([]);
  });

  it("a client that reads no answer is undone at the deadline", async ({ expect }) => {
    await using box = await Box.create(flavour);
    const before = await box.snapshot();
    const session = box.open({ vips: VIPS, seconds: 5, program: TRYING });
    const { verbs } = await prepare(session, WEB);
    session.stall();
    // More than a pipe holds, so that the shell is stuck in writing it.
    const flood = "body=$(dd if=/dev/zero bs=1024 count=2048 2>/dev/null | tr '\\0' x)";
    void session.request([...verbs.slice(0, -1), trying(flood)].join(" && "));
    await eventually(
      () => box.processes(),
      (left) => left.length === 0,
      20,
    );
    expect(await box.snapshot()).toBe(before);
  });

  it("a reader whose client stalls after the first answer leaves no shell behind", async () => {
    await using box = await Box.create(flavour);
    const readers = [box.open({ mode: "share" }), box.open({ mode: "look", seconds: 4 })];
    for (const reader of readers) ok(await reader.answer());
    await Promise.all(readers.map((reader) => reader.closed));
    // A nap of the watchdog may outlive it.
    await eventually(
      () => box.processes(),
      (left) => left.length === 0,
      2,
    );
  });

  it("a client that never asks for anything does not keep the lock", async ({ expect }) => {
    await using box = await Box.create(flavour);
    const before = await box.snapshot();
    const idle = box.open({ seconds: 5 });
    ok(await idle.answer());
    const next = box.open({ vips: VIPS });
    ok(await next.answer());
    expect(next.notes).toEqual([
      expect.stringMatching(/^waiting for the lock held by a test, at most until \d\d:\d\d:\d\dZ$/),
    ]);
    await idle.closed;
    await next.end();
    expect(await box.snapshot()).toBe(before);
  });

  it("a request that is cut in the middle is not carried out", async ({ expect }) => {
    await using box = await Box.create(flavour);
    const before = await box.snapshot();
    const session = box.open({ vips: VIPS });
    const { request } = await prepare(session, WEB);
    session.write(request);
    await session.end();
    expect(await box.snapshot()).toBe(before);
  });
});

/** The request, with a command of the test's right after the last verb of this name. */
async function upTo(session: Session, moment: string, command: string): Promise<string> {
  const { verbs } = await prepare(session, WEB);
  const last = verbs.findLastIndex((verb) => verb.startsWith(`${moment} `));
  return [...verbs.slice(0, last + 1), trying(command), ...verbs.slice(last + 1)].join(" && ");
}
