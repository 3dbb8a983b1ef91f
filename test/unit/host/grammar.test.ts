import { describe, expect, it } from "vitest";
import { isSilent, type ArpKey } from "../../../src/domain/sysctl";
import { NOTHING_ASKED } from "../../../src/inspect/answer";
import { inspectionOf, ownersHere } from "../../../src/inspect/report";
import { inspectionText } from "../../../src/inspect/text";
import type { Machine } from "../../../src/observed/registry";
import { parseRegistry } from "../../../src/observed/registry";
import { plan } from "../../../src/plan/plan";
import { changeRequest } from "../../../src/plan/request";
import { fixtures } from "../fixtures";
import { claimOf, hostOf } from "../model";

// What TypeScript has to know as the programs of a host do: test/host/grammar.test.ts reads the same data.

describe("silence", () => {
  it.each(fixtures<{ key: ArpKey; silent: number[]; loud: number[] }>("silence"))(
    "is judged by the effective $name",
    ({ data: { key, silent, loud } }) => {
      for (const value of silent) expect(isSilent(key, value), `${value}`).toBe(true);
      for (const value of loud) expect(isSilent(key, value), `${value}`).toBe(false);
    },
  );
});

describe("a plan", () => {
  it.each(fixtures<{ vip: string; step: string }>("bindings"))(
    "binds a VIP of $name as the boot does",
    ({ data: { vip, step } }) => {
      const claim = claimOf({ vips: [vip] });
      const { changes } = plan({ kind: "serve", claim, now: "2030" }, hostOf({}).observed);
      expect(changeRequest(changes, [], [])).toContain(`'bound ${step}'`);
    },
  );
});

interface Made {
  readonly lines: readonly string[];
  readonly here: Machine;
  readonly stranger: boolean;
  readonly refused?: string;
}

describe("a registry", () => {
  it.each(fixtures<Made>("machines"))(
    "counts on the machine that it was made on: $name",
    ({ data: { lines, here, stranger, refused } }) => {
      const { observed, files } = hostOf({ owners: [{ owner: "web-1" }] });
      const read = () => parseRegistry(new Map([...files, ["machine", lines]]));
      if (refused !== undefined) {
        expect(read).toThrow();
        return;
      }
      const seen = { ...observed, machine: here, registry: read() };
      expect(ownersHere(seen).size).toBe(stranger ? 0 : 1);
    },
  );
});

describe("an inspection", () => {
  it.each(fixtures<{ text: string; unknown?: string; begun?: boolean }>("journals"))(
    "says of a journal $name what becomes of it",
    ({ data: { text, unknown, begun = true } }) => {
      const { observed } = hostOf({ owners: [{ owner: "web-1" }], observed: { bootId: "THIS" } });
      const journal = text.split("\n").filter((line) => line !== "");
      const answer = { ...NOTHING_ASKED, journal, strange: unknown };
      const inspection = inspectionOf({ host: "h", keys: {}, observed, answer });
      expect(inspection.ok).toBe(!begun);
      if (!begun) return;
      expect(inspectionText(inspection)).toContain(
        unknown === undefined
          ? "the next one undoes it first"
          : "which this version does not know: the next one stops at it, and so does the boot",
      );
    },
  );
});
