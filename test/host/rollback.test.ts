import { describe, it } from "vitest";

import { giveUpRequest } from "../../src/protocol/program";
import type { Desired } from "../../src/plan/claim";
import { Box, eventually, FLAVOURS, type Flavour } from "./box";
import { claim, serve, withdraw } from "./claims";
import { carryOut, prepare, TRYING, trying, type Session } from "./session";

const VIPS = ["203.0.113.10", "203.0.113.11", "203.0.113.12", "2001:db8::10", "2001:db8::11"];
const [A, B, C, D, E] = VIPS as [string, string, string, string, string];

/** Operations that between them have every verb: what the host is before, and what is asked of it. */
const SITUATIONS: Record<string, { setUp(box: Box): Promise<void>; desired: Desired }> = {
  "a create": {
    setUp: async () => undefined,
    desired: serve(claim("web", [A, B, D])),
  },
  // Values tightened and lowered, VIPs bound, bound anew and withdrawn, records changed.
  "an update": {
    setUp: async (box) => {
      await carryOut(box.open({ vips: VIPS }), serve(claim("other", [E])));
      await carryOut(box.open({ vips: VIPS }), serve(claim("web", [A, C, D])));
      await box.run(`
        ip addr del ${A}/32 dev lo; ip addr del ${D}/128 dev lo
        ip addr add ${A}/32 dev lo label "lo:by" scope link valid_lft 90500 preferred_lft 80500
        ip addr add ${D}/128 dev lo valid_lft 70500 preferred_lft 60500`);
    },
    desired: serve(
      claim("web", [A, B, D], {
        arp: { ignore: 2, announce: 2, interfaces: "all", except: [] },
      }),
    ),
  },
  "a withdrawal": {
    setUp: async (box) => {
      await box.run("echo 3 >/proc/sys/net/ipv4/conf/eth0/arp_announce");
      await box.run("echo 0 >/proc/sys/net/ipv4/conf/eth0/arp_announce");
      await carryOut(box.open({ vips: VIPS }), serve(claim("web", [A, B, D])));
    },
    desired: withdraw(claim("web", [A, B, D])),
  },
};

/** Ways in which an operation ends before its commit, with the shell still there to undo it. */
const WAYS: Record<string, (session: Session, done: string) => Promise<unknown>> = {
  "stdin ends": async (session, done) => session.request(`${done} && ${trying("body=here")}`),
  "HUP comes": async (session, done) =>
    session.request(`${done} && ${trying("kill -HUP $$ && sleep 0.01")}`),
  "TERM comes": async (session, done) =>
    session.request(`${done} && ${trying("kill -TERM $$ && sleep 0.01")}`),
  "nobody reads the answer": async (session, done) => {
    session.stopReading();
    void session.request(`${done} && observe`);
    await session.closed;
  },
};

const CASES = FLAVOURS.flatMap((flavour, turn) =>
  Object.keys(SITUATIONS).map((name) => ({ ...flavour, name, turn })),
);

describe.concurrent.each(CASES)("under $shell with the ip of $ip, $name", (given) => {
  it("that fails after any verb says so and leaves the host as before", async ({ expect }) => {
    await using box = await boxFor(given);
    const before = await box.snapshot();
    for (const done of await beginnings(box, given.name)) {
      const session = box.open({ vips: VIPS });
      await session.answer();
      const answer = await session.request(`${done} && ${giveUpRequest("so")}`);
      expect(answer).toEqual({ status: "rolled-back", body: "so" });
      await session.end();
      expect(await box.snapshot(), done.slice(-60)).toBe(before);
    }
  });

  it("that is cut off after any verb leaves the host as before", async ({ expect }) => {
    await using box = await boxFor(given);
    const before = await box.snapshot();
    // Every way gets its turn after every verb, with one flavour or another.
    let { turn } = given;
    for (const done of await beginnings(box, given.name)) {
      const way = Object.keys(WAYS)[turn++ % 4] ?? "";
      const session = box.open({ vips: VIPS, program: TRYING });
      await session.answer();
      await WAYS[way]?.(session, done);
      await session.end();
      expect(await box.snapshot(), `${way} after ${done.slice(-60)}`).toBe(before);
    }
    expect(
      await eventually(
        () => box.processes(),
        (left) => left.length === 0,
      ),
    ).toEqual([]);
  });
});

async function boxFor({ name, ...flavour }: Flavour & { name: string }): Promise<Box> {
  const box = await Box.create(flavour);
  await SITUATIONS[name]?.setUp(box);
  return box;
}

/** The request as the package would send it, cut after each of its verbs. */
async function beginnings(box: Box, name: string): Promise<string[]> {
  const desired = SITUATIONS[name]?.desired;
  if (!desired) throw new Error(name);
  const session = box.open({ vips: VIPS });
  const { verbs } = await prepare(session, desired);
  await session.end();
  return verbs.map((_, index) => verbs.slice(0, index + 1).join(" && "));
}
