import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseServiceUsage, usageRequest } from "../../../src/observed/service-usage";
import { UnreadableAnswer } from "../../../src/protocol/answer";
import { fixtures } from "../fixtures";

interface Case {
  readonly selector: string;
  readonly answer: readonly string[];
  readonly inUse: Readonly<Record<string, number>>;
}

const CASES = fixtures<Case>("service-usage");

describe("connections in use", () => {
  it.each(CASES)("are counted: $name", ({ data }) => {
    const { inUse, service } = parseServiceUsage(data.answer.join("\n"), data.selector);
    expect(Object.fromEntries(inUse)).toEqual(data.inUse);
    expect(service?.selector).toBe(data.answer.length > 1 ? data.selector : undefined);
  });

  it("are not counted from an answer with a line that is not known, or without timeouts", () => {
    const [first] = CASES;
    const lines = first?.data.answer ?? [];
    const read = (answer: readonly string[]) => () =>
      parseServiceUsage(answer.join("\n"), first?.data.selector ?? "");
    expect(read([...lines, "conn 3"])).toThrow(UnreadableAnswer);
    expect(read([...lines, "conn 1 XX FIN_WAIT 3"])).toThrow(UnreadableAnswer);
    expect(read([...lines, "other"])).toThrow(UnreadableAnswer);
    expect(read(lines.filter((line) => !line.startsWith("timeouts")))).toThrow(UnreadableAnswer);
  });

  it("are looked for by service and destination, and templates are passed over", () => {
    const vip = { family: 4, address: "203.0.113.10" } as const;
    const request = usageRequest({ kind: "tcp", vip, port: 80 }, ["10.0.0.11", "10.0.0.12"]);
    const pattern = new RegExp(/ '([^']*)'$/.exec(request)?.[1] ?? "");
    const entry = (port: number, to = "0A00000B") =>
      `TCP C0000201 ${port.toString(16).toUpperCase().padStart(4, "0")} CB00710A 0050 ${to} 0050 ESTABLISHED     895`;
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 65_535 }), (port) => pattern.test(entry(port))),
    );
    expect(pattern.test(entry(0))).toBe(false);
    expect(pattern.test(entry(1, "0A00000C"))).toBe(true);
    expect(pattern.test(entry(1, "0A00000D"))).toBe(false);
    expect(pattern.test(entry(1).replace("CB00710A 0050", "CB00710A 0051"))).toBe(false);
    expect(pattern.test(entry(1).replace("TCP", "UDP"))).toBe(false);
  });

  it("are not looked for among entries that do not tell, or that nobody waits for", () => {
    const vip = { family: 4, address: "203.0.113.10" } as const;
    expect(usageRequest({ kind: "udp", vip, port: 53 }, ["10.0.0.11"])).toMatch(/ ''$/);
    expect(usageRequest({ kind: "fwmark", mark: 7, family: 4 }, ["10.0.0.11"])).toMatch(/ ''$/);
    expect(usageRequest({ kind: "tcp", vip, port: 80 }, [])).toMatch(/ ''$/);
  });
});
