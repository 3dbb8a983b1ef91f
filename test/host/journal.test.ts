import { describe, it } from "vitest";

import { lookRequest, parseLookAnswer } from "../../src/inspect/answer";
import { INSPECTION_PROGRAM } from "../../src/host/scripts";
import { Box, FLAVOURS } from "./box";
import { claim, serve } from "./claims";
import { carryOut, ok, prepare, TRYING, trying } from "./session";

const [A, B] = ["203.0.113.10", "203.0.113.11"] as const;
const JOURNAL = "/var/lib/lvs-dr/journal";
const CUT = trying('kill -KILL "$watchdog"; kill -KILL $$');
const SHELLS = FLAVOURS.filter((flavour) => flavour.ip === "iproute2");

/** Binds A, and B by an operation that is cut off. Gives what the host was like before that one. */
async function cutOff(box: Box): Promise<string> {
  await carryOut(box.open({ vips: [A] }), serve(claim("web", [A])));
  const before = await box.snapshot();
  const session = box.open({ vips: [A, B], program: TRYING, holder: "org/web" });
  const { verbs } = await prepare(session, serve(claim("web", [A, B])));
  await session.request([...verbs, CUT].join(" && "));
  return before;
}

describe.concurrent.each(SHELLS)("a journal that was left behind, under $shell,", (flavour) => {
  const STEP = "route del 203.0.113.0/24";
  const ADDED = `echo ${STEP} >>${JOURNAL}`;
  it.for([
    ["a step of a later version", ADDED, STEP],
    ["one of an earlier boot", `sed -i 's/^boot .*/boot of-yesterday/' ${JOURNAL}; ${ADDED}`, STEP],
    ["a later format", `sed -i '1s/1$/2/' ${JOURNAL}`, "lvs-dr-journal 2"],
  ])("with %s stops every operation, is kept and named", async ([, harm, line], { expect }) => {
    await using box = await Box.create(flavour);
    const before = await cutOff(box);
    // The lock says whose it was: nobody's, once an operation is over.
    await box.run(`cp ${JOURNAL} /mnt/journal; ${harm}; : >/var/lib/lvs-dr/lock`);
    const left = await box.snapshot();
    for (const mode of ["share", "hold"] as const) {
      const session = box.open({ mode, vips: [A, B] });
      const { status, body } = await session.answer();
      await session.closed;
      expect(status).toBe("failed");
      expect(body).toMatch(/^nothing was changed: the journal .*, which org\/web left, has a step/);
      expect(body).toContain(`${line}"`);
      expect(session.notes).toEqual([]);
      expect(await box.snapshot()).toBe(left);
    }

    const look = box.open({ mode: "look", program: INSPECTION_PROGRAM });
    await look.observed();
    const { strange } = parseLookAnswer(ok(await look.request(lookRequest([]))));
    expect(strange).toContain(line);
    await look.end();
    expect(await box.snapshot()).toBe(left);

    await box.run(`cp /mnt/journal ${JOURNAL}`);
    const reader = box.open({ mode: "share", vips: [A, B] });
    ok(await reader.answer());
    await reader.end();
    expect(await box.snapshot()).toBe(before);
  });

  it("is undone where its last line was cut: that step was never taken", async ({ expect }) => {
    await using box = await Box.create(flavour);
    const before = await cutOff(box);
    await box.run(`printf 'unbound 4 ${A}/32 host forev' >>${JOURNAL}`);
    const look = box.open({ mode: "look", program: INSPECTION_PROGRAM });
    await look.observed();
    const answer = parseLookAnswer(ok(await look.request(lookRequest([]))));
    expect(answer).toMatchObject({ underWay: false, strange: undefined });
    expect(answer.journal.length).toBeGreaterThan(0);
    await look.end();
    const reader = box.open({ mode: "share", vips: [A, B] });
    ok(await reader.answer());
    await reader.end();
    expect(await box.snapshot()).toBe(before);
  });

  it("was never begun where it was cut in its head: it goes, and nothing else changes", async ({
    expect,
  }) => {
    await using box = await Box.create(flavour);
    await carryOut(box.open({ vips: [A] }), serve(claim("web", [A])));
    const before = await box.snapshot();
    for (const head of [":", "head -c 300 /dev/zero", "printf 'lvs-dr-journal 1\\nboot abc'"]) {
      await box.run(`${head} >${JOURNAL}`);
      const look = box.open({ mode: "look", program: INSPECTION_PROGRAM });
      await look.observed();
      const { strange } = parseLookAnswer(ok(await look.request(lookRequest([]))));
      expect(strange, head).toBe(undefined);
      await look.end();
      const reader = box.open({ mode: "share", vips: [A] });
      ok(await reader.answer());
      await reader.end();
      expect(await box.snapshot(), head).toBe(before);
    }
  });
});
