// Operations that wait without the lock, with a kind that has nothing else to it.
import { join } from "node:path";
import { describe, it, vi } from "vitest";

import { changesOf, programOf } from "../../src/host/scripts";
import { defineCall } from "../../src/protocol/program";
import { Box, eventually, FLAVOURS, type BoxOptions } from "./box";
import { ok, TRY, trying, type Session } from "./session";

vi.setConfig({ maxConcurrency: 12 });

const WAIT = join(__dirname, "../../src/host/virtual-service/wait");
const program = programOf([join(__dirname, "waiting"), WAIT, TRY]);
const DEFINE = defineCall(changesOf([]));
const SHELLS = FLAVOURS.filter((flavour) => flavour.ip === "iproute2");

/** A box with the values a, b and c, each 1. */
async function boxWith(flavour: BoxOptions): Promise<Box> {
  const box = await Box.create(flavour);
  await box.run(
    "mkdir /run/toy-values && cd /run/toy-values && for i in a b c; do echo 1 >$i; done",
  );
  return box;
}

const read = async (box: Box) =>
  (await box.run("cd /run/toy-values && for i in *; do echo $i$(cat $i); done")).stdout
    .split("\n")
    .slice(0, -1);

/** What is left of ours: folders, journals and locks. */
const left = async (box: Box) =>
  (await box.run("find /var/lib/lvs-dr-toy /run/lvs-dr-toy 2>/dev/null; :")).stdout;

function open(box: Box, options: Parameters<Box["open"]>[0] = {}): Session {
  return box.open({ program, ...options });
}

/** An operation that has set a value to 0, and waits. */
async function waitingFor(box: Box, name: string, seconds = 60): Promise<Session> {
  const session = open(box, { holder: `org/${name}` });
  ok(await session.answer());
  const first = `${DEFINE} && own '${name}' && begin '' && set_value '${name}' '0' && observe`;
  ok(await session.request(first));
  ok(await session.request(`unlock '${seconds}'`));
  return session;
}

const FINISH = (name: string, value: number) =>
  `resume '20' '' 'line' && set_value '${name}' '${value}' && put 'line' 'x' && observe`;

const ended = (box: Box) =>
  eventually(
    () => box.processes(),
    (processes) => processes.length === 0,
    20,
  );

describe.concurrent.each(SHELLS)("an operation that waits under $shell", (flavour) => {
  it("leaves the lock to others, and commits what it did before and after", async ({ expect }) => {
    await using box = await boxWith(flavour);
    const waiting = await waitingFor(box, "a");
    const other = open(box);
    ok(await other.answer());
    expect(other.notes).toEqual([]);
    ok(await other.request(`${DEFINE} && own 'b' && begin '' && set_value 'b' '5' && commit`));
    await other.end();
    expect(await read(box)).toEqual(["a0", "b5", "c1"]);
    ok(await waiting.request(FINISH("c", 7)));
    ok(await waiting.request("commit"));
    await waiting.end();
    expect(await read(box)).toEqual(["a0", "b5", "c7"]);
    await ended(box);
    expect(await left(box)).not.toContain("/run/lvs-dr-toy");
    expect(await left(box)).not.toContain("journal");
  });

  it("is undone, before and after its wait, by the end of its connection", async ({ expect }) => {
    await using box = await boxWith(flavour);
    await (await waitingFor(box, "a")).end();
    expect(await read(box)).toEqual(["a1", "b1", "c1"]);
    const resumed = await waitingFor(box, "a");
    ok(await resumed.request(FINISH("c", 7)));
    expect(await read(box)).toEqual(["a0", "b1", "c7"]);
    await resumed.end();
    expect(await read(box)).toEqual(["a1", "b1", "c1"]);
    await ended(box);
    expect(await left(box)).toBe("");
  });

  it("keeps others from what it changes, and tells who it is", async ({ expect }) => {
    await using box = await boxWith(flavour);
    const waiting = await waitingFor(box, "a");
    const other = open(box);
    ok(await other.answer());
    expect(await other.request(`${DEFINE} && own 'a' && begin '' && set_value 'a' '5'`)).toEqual({
      status: "rolled-back",
      body: "another operation on it is under way, of org/a: try again when that is over",
    });
    await other.end();
    expect(await read(box)).toEqual(["a0", "b1", "c1"]);
    await waiting.end();
    const next = await waitingFor(box, "a");
    await next.end();
    await ended(box);
    expect(await left(box)).toBe("");
  });

  it("is undone when its time is over, and nobody has asked for anything", async ({ expect }) => {
    await using box = await boxWith(flavour);
    const waiting = await waitingFor(box, "a", 2);
    await waiting.closed;
    await ended(box);
    expect(await read(box)).toEqual(["a1", "b1", "c1"]);
    expect(await left(box)).toBe("");
  });

  it("is undone by its watchdog, whenever its shell is killed", async ({ expect }) => {
    await using box = await boxWith(flavour);
    const moments = [
      trying("kill -KILL $$"),
      `${FINISH("c", 7)} && ${trying("kill -KILL $$")}`,
      `resume '20' '' && ${trying("kill -KILL $$")}`,
    ];
    for (const moment of moments) {
      const waiting = await waitingFor(box, "a");
      await waiting.request(moment);
      await ended(box);
      expect(await read(box)).toEqual(["a1", "b1", "c1"]);
      expect(await left(box)).toBe("");
    }
  });

  it("is undone by the next operation, also a reader, where its watchdog is dead too", async ({
    expect,
  }) => {
    await using box = await boxWith(flavour);
    const both = trying('kill -KILL "$watchdog" && kill -KILL $$');
    for (const mode of ["share", "hold"] as const) {
      const waiting = await waitingFor(box, "a");
      await waiting.request(both);
      expect(await read(box)).toEqual(["a0", "b1", "c1"]);
      const next = open(box, { mode });
      expect(ok(await next.answer())).toBe("a 1\nb 1\nc 1");
      expect(next.notes).toEqual(["undoing an operation that was cut off"]);
      await next.end();
      expect(await left(box)).toBe("");
    }
  });

  it("is let alone by others as long as it lives, and settled beside it is who died", async ({
    expect,
  }) => {
    await using box = await boxWith(flavour);
    const alive = await waitingFor(box, "a");
    const dead = await waitingFor(box, "b");
    await dead.request(trying('kill -KILL "$watchdog" && kill -KILL $$'));
    const next = open(box, { mode: "share" });
    expect(ok(await next.answer())).toBe("a 0\nb 1\nc 1");
    await next.end();
    ok(await alive.request(FINISH("a", 9)));
    ok(await alive.request("commit"));
    await alive.end();
    expect(await read(box)).toEqual(["a9", "b1", "c1"]);
  });

  it("gives up, and is undone, where the lock is not had again in time", async ({ expect }) => {
    await using box = await boxWith(flavour);
    const waiting = await waitingFor(box, "a");
    const other = open(box, { holder: "org/other" });
    ok(await other.answer());
    const answer = await waiting.request("resume '2' '' && set_value 'c' '7'");
    expect(answer.status).toBe("rolled-back");
    expect(answer.body).toMatch(/^another operation holds the lock: org\/other/);
    expect(await read(box)).toEqual(["a1", "b1", "c1"]);
    await Promise.all([other.end(), waiting.end()]);
  });

  it("says so where its journal cannot be kept, and is undone", async ({ expect }) => {
    await using box = await boxWith(flavour);
    // Room for its folder and its lock.
    await box.run("mkdir /run/lvs-dr-toy && mount -t tmpfs -o nr_inodes=3 lab /run/lvs-dr-toy");
    const session = open(box);
    ok(await session.answer());
    ok(await session.request(`${DEFINE} && own 'a' && begin '' && set_value 'a' '0' && observe`));
    const answer = await session.request("unlock '60'");
    expect(answer).toEqual({
      status: "rolled-back",
      body: "/run/lvs-dr-toy/a/journal cannot be written (is /run/lvs-dr-toy full?)",
    });
    await session.end();
    expect(await read(box)).toEqual(["a1", "b1", "c1"]);
  });
});
