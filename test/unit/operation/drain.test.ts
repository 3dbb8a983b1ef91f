import { describe, expect, it } from "vitest";
import { drainFirst } from "../../../src/operation/drain";
import type { DrainPolicy } from "../../../src/operation/drain-tally";
import { RealServerError } from "../../../src/domain/errors";
import { UnreadableAnswer } from "../../../src/protocol/answer";
import type { Operation, Session } from "../../../src/operation/session";
import { hostOf } from "../model";

const VIP = "203.0.113.10";
const ONE = `ss ESTAB 0 0 ${VIP}:80 10.0.0.9:1\n1\n`;
const DRAIN: DrainPolicy = { timeoutSeconds: 60, onTimeout: "withdraw" };

/** An attempt on a host that answers with `body`: what was warned of, and how often it was asked. */
async function attemptOn(
  body: string,
  options: { drain?: DrainPolicy; forwards?: boolean; leaving?: string[] } = {},
): Promise<{ warned: string[]; asked: number }> {
  const { drain, forwards = false, leaving = [VIP] } = options;
  const { observed } = hostOf({ observed: { forwards } });
  const result = { warned: [] as string[], asked: 0 };
  const operation: Operation = {
    host: "web",
    login: { user: "root", sudo: false },
    dial: undefined as never,
    pins: {},
    timeouts: { connectSeconds: 1, operationSeconds: 1 },
    signal: new AbortController().signal,
    progress: () => undefined,
    warn: (text) => void result.warned.push(text),
  };
  const request = async () => {
    result.asked += 1;
    return Promise.resolve(body);
  };
  const session: Session = {
    operation,
    conversation: { request, close: () => undefined, ended: operation.signal },
    connect: undefined as never,
    purpose: { mode: "hold", holder: "a test", subjects: [VIP] },
    keys: { hostKey: "" },
    secondsLeft: () => 1,
    extend: () => undefined,
  };
  await drainFirst(
    operation,
    drain,
    () => leaving,
    async (gate) => ((await gate(session, observed, leaving)) ? {} : undefined),
  );
  return result;
}

describe("before VIPs are withdrawn", () => {
  it("a host is asked nothing where none leaves, and nothing without a drain", async () => {
    expect(await attemptOn(ONE, { drain: DRAIN, forwards: true, leaving: [] })).toMatchObject({
      asked: 0,
    });
    expect(await attemptOn(ONE)).toEqual({ warned: [], asked: 0 });
  });

  it("a drain is refused where connections cannot be counted", async () => {
    const blind = attemptOn("conntrack blind\n1\n", { drain: DRAIN });
    await expect(blind).rejects.toThrow(RealServerError);
    await expect(blind).rejects.toMatchObject({ kind: "refused", aftermath: "untouched" });
    await expect(blind).rejects.toThrow(/install the tool conntrack/);
  });

  it("a drain does not take an answer that it cannot read for none", async () => {
    const garbled = attemptOn("ss cannot be counted\n", { drain: DRAIN });
    await expect(garbled).rejects.toThrow(UnreadableAnswer);
  });

  it("a host that forwards is warned of, where connections would go round; nothing more", async () => {
    const { warned } = await attemptOn(ONE, { forwards: true });
    expect(warned).toEqual([expect.stringContaining("goes round between the two")]);
    expect((await attemptOn("", { forwards: true })).warned).toEqual([]);
    expect((await attemptOn("nonsense\n", { forwards: true })).warned).toEqual([]);
    const v6 = await attemptOn(ONE, { forwards: true, leaving: ["2001:db8::10"] });
    expect(v6).toEqual({ warned: [], asked: 0 });
  });
});
