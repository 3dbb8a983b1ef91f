// The seams of the house: a transport that is no ssh, and a kind of host that is no real server.
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { changesOf, programOf } from "../../src/host/scripts";
import { carryOut } from "../../src/operation/carry-out";
import { converge, inspectClaim, withdraw } from "../../src/operation/converge";
import type { HostKind, KindPlan } from "../../src/operation/kind";
import { onHost, type Operation } from "../../src/operation/session";
import { UnreadableAnswer } from "../../src/protocol/answer";
import { call, defineCall } from "../../src/protocol/program";
import { Box, eventually, FLAVOURS } from "./box";
import { claim as claimed } from "./claims";
import { operationOn } from "./local-transport";

const VIP = "203.0.113.10";
const claim = claimed("a test", [VIP]);

describe("a transport that is a local child process", () => {
  it("carries create, drift, repair and destroy of a real server, and pins no key", async () => {
    await using box = await Box.create();
    const before = await box.snapshot();
    const created = await converge(operationOn(box), claim);
    expect(created).toMatchObject({ drift: [], bindings: [{ address: VIP }] });
    expect(created).not.toHaveProperty("hostKey");
    await box.run(`ip addr del ${VIP}/32 dev lo`);
    const seen = await inspectClaim(operationOn(box), claim);
    expect(seen.drift).toEqual([`lo: ${VIP}/32 not bound`]);
    expect((await converge(operationOn(box), claim)).drift).toEqual([]);
    await withdraw(operationOn(box), claim, { sysctls: "restore" });
    // The shell ends a moment after its last answer, and tidies up.
    await eventually(
      () => box.snapshot(),
      (now) => now === before,
    );
  });
});

/** What the toy is to have in its file, and what it has. */
interface Line {
  readonly line: string;
}

interface ToyPlan extends KindPlan {
  readonly changes: readonly Line[];
}

/** One file with one line, changed by one verb. */
const TOY: HostKind<Line, Line, ToyPlan> = {
  program: programOf([join(__dirname, "toy")]),
  parse(body) {
    const line = /^toy-observation 1\nline (.*)\nend$/.exec(body)?.[1];
    if (line === undefined) throw new UnreadableAnswer(body);
    return { line };
  },
  plan: (desired, observed) => ({
    refusals: desired.line === "forbidden" ? [{ what: "forbidden is no line", remedies: [] }] : [],
    changes: desired.line === observed.line ? [] : [desired],
  }),
  request: ({ changes }) =>
    [
      ...[defineCall(changesOf([])), call("begin", "")],
      ...[...changes.map(({ line }) => call("set_line", line)), call("observe")],
    ].join(" && "),
  summary: ({ changes }) => `writing ${changes.length} line`,
  left: ({ changes }) => changes.map(({ line }) => `write ${line}`),
  isCommitted: (desired, observed) => desired.line === observed.line,
};

const PURPOSE = { mode: "hold", holder: "a toy", subjects: [] } as const;

function bring(operation: Operation, desired: Line, kind = TOY): Promise<Line> {
  return onHost(kind, operation, PURPOSE, (session, observed) =>
    carryOut(kind, session, desired, kind.plan(desired, observed), observed),
  );
}

describe.each(FLAVOURS)("a kind of host of its own, under $shell with the ip of $ip", (flavour) => {
  const line = async (box: Box) => (await box.run("cat /var/lib/lvs-dr-toy/line")).stdout;

  it("is observed, planned, changed, verified and committed by the code that real servers use", async () => {
    await using box = await Box.create(flavour);
    const said: string[] = [];
    const operation = operationOn(box, { progress: (text) => void said.push(text) });
    expect(await bring(operation, { line: "first" })).toEqual({ line: "first" });
    expect(said).toEqual(["observing", "writing 1 line", "verified, committing"]);
    expect(await line(box)).toBe("first\n");
    expect(await bring(operation, { line: "second" })).toEqual({ line: "second" });
    expect(await line(box)).toBe("second\n");
  });

  it("is rolled back where it does not verify", async () => {
    await using box = await Box.create(flavour);
    await bring(operationOn(box), { line: "first" });
    // It plans on after every step: nothing is ever as it wants it.
    const never = { ...TOY, plan: () => ({ refusals: [], changes: [{ line: "other" }] }) };
    await expect(bring(operationOn(box), { line: "other" }, never)).rejects.toMatchObject({
      kind: "not-converged",
      aftermath: "rolled-back",
      host: "box",
    });
    expect(await line(box)).toBe("first\n");
  });
});
