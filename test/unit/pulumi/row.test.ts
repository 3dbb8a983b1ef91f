import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { rowOf, type Engine, type LogEntry } from "../../../src/pulumi/row";

const URN = "urn:pulumi:prod::shop::web-1";

/** An engine that keeps what it hears, and a row on it. */
function heard(owner = `acme/${URN}`) {
  const entries: LogEntry[] = [];
  const engine: Engine = {
    log: (entry) => {
      entries.push(entry);
      return Promise.resolve(true);
    },
  };
  return { row: rowOf(owner, engine), entries, texts: () => entries.map(({ text }) => text) };
}

describe("the row of a resource", () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it("has no progress of an operation that is over within a second, and all of its warnings", async () => {
    const { row, entries } = heard();
    row.progress("observing");
    row.warn("forwards packets");
    await vi.advanceTimersByTimeAsync(990);
    row.progress("verified, committing");
    await row.flush();
    await vi.advanceTimersByTimeAsync(5000);
    const warning = { severity: "WARNING", ephemeral: false, urn: URN };
    expect(entries).toEqual([{ ...warning, text: "forwards packets" }]);
  });

  it("has the stage that an operation is in after a second, and each later one at once", async () => {
    const { row, entries, texts } = heard();
    row.progress("dialling");
    row.progress("waiting for the lock");
    await vi.advanceTimersByTimeAsync(1000);
    const progress = { severity: "INFO", ephemeral: true, urn: URN };
    expect(entries).toEqual([{ ...progress, text: "waiting for the lock" }]);
    row.progress("observing");
    await vi.advanceTimersByTimeAsync(0);
    expect(texts()).toEqual(["waiting for the lock", "observing"]);
    await row.flush();
  });

  it("names an owner that has no row of its own", async () => {
    const { row, texts } = heard("web-1");
    await vi.advanceTimersByTimeAsync(1000);
    row.progress("observing");
    await row.flush();
    expect(texts()).toEqual(["web-1: observing"]);
  });
});
