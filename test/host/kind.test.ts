import { join } from "node:path";
import { describe, it } from "vitest";

import { changesOf, programOf } from "../../src/host/scripts";
import { call, COMMIT_REQUEST } from "../../src/protocol/program";
import { Box, eventually, FLAVOURS } from "./box";
import { ok, TRY, trying, type Session } from "./session";

const PARTS = [join(__dirname, "toy")];
const TOY = { program: programOf(PARTS), changes: changesOf([]) };
const TRYING_TOY = { ...TOY, program: programOf([...PARTS, TRY]) };
const SHELLS = FLAVOURS.filter((flavour) => flavour.ip === "iproute2");

// The core knows no VIP: another kind has the lock, the journal, the undo and the commit from it.
describe.concurrent.each(SHELLS)("a kind of host with one verb, under $shell,", (flavour) => {
  const set = (...lines: string[]) =>
    [call("begin", ""), ...lines.map((line) => call("set_line", line)), "observe"].join(" && ");
  const said = (line: string) => `toy-observation 1\nline ${line}\nend`;

  /** A host with the line `old`, committed. */
  async function host(): Promise<Box> {
    const box = await Box.create(flavour);
    const session = box.open(TOY);
    ok(await session.answer());
    ok(await session.request(set("old")));
    ok(await session.request(COMMIT_REQUEST));
    await session.end();
    return box;
  }

  async function lineOf(box: Box): Promise<string> {
    const session = box.open({ ...TOY, mode: "share" });
    const body = ok(await session.answer());
    await session.end();
    return body;
  }

  async function begun(box: Box, command: string): Promise<Session> {
    const session = box.open(TRYING_TOY);
    ok(await session.answer());
    const request = `${set("new", "newer").replace(/ && observe$/, "")} && ${trying(command)}`;
    await session.request(request);
    return session;
  }

  it("converges, tells of it, commits, and leaves nothing in the end", async ({ expect }) => {
    await using box = await Box.create(flavour);
    const clean = await box.snapshot();
    const session = box.open(TOY);
    expect(ok(await session.answer())).toBe(said("-"));
    expect(ok(await session.request(set("one", "two")))).toBe(said("two"));
    ok(await session.request(COMMIT_REQUEST));
    await session.end();
    expect(await lineOf(box)).toBe(said("two"));

    const leaving = box.open(TOY);
    ok(await leaving.answer());
    ok(await leaving.request(`${call("begin", "", "line")} && ${call("drop", "line")}`));
    ok(await leaving.request(COMMIT_REQUEST));
    await leaving.end();
    expect(await box.snapshot()).toBe(clean);
  });

  it("is undone when stdin ends before the commit", async ({ expect }) => {
    await using box = await host();
    const before = await box.snapshot();
    const session = await begun(box, "body=here");
    expect(await box.snapshot()).not.toBe(before);
    await session.end();
    expect(await box.snapshot()).toBe(before);
  });

  it("is undone when a verb fails, or is none", async ({ expect }) => {
    await using box = await host();
    const before = await box.snapshot();
    for (const [last, body] of [
      [call("fail", "so"), "so"],
      [call("addresses", "4"), "there is no verb addresses"],
      [call("more", "connections"), "there is no question connections"],
    ] as const) {
      const session = box.open(TOY);
      ok(await session.answer());
      ok(await session.request(set("new")));
      const answer = await session.request(`${call("set_line", "newer")} && ${last}`);
      expect(answer).toEqual({ status: "rolled-back", body });
      await session.end();
      expect(await box.snapshot()).toBe(before);
    }
  });

  it("is undone by the watchdog of a shell that was killed", async ({ expect }) => {
    await using box = await host();
    const before = await box.snapshot();
    await begun(box, "kill -KILL $$");
    await eventually(
      () => box.processes(),
      (left) => left.length === 0,
    );
    expect(await box.snapshot()).toBe(before);
  });

  it("is settled by the next operation where the watchdog was killed, too", async ({ expect }) => {
    await using box = await host();
    const before = await box.snapshot();
    await begun(box, 'kill -KILL "$watchdog" && kill -KILL $$');
    expect(await box.snapshot()).not.toBe(before);
    expect(await lineOf(box)).toBe(said("old"));
    expect(await box.snapshot()).toBe(before);
  });
});
