import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseServiceTable } from "../../../src/observed/service-table";
import {
  parseServiceUsage,
  usageRequest,
  type ServiceUsage,
} from "../../../src/observed/service-usage";
import { UnreadableAnswer } from "../../../src/protocol/answer";
import { fixtures } from "../fixtures";

interface Case {
  readonly selector: string;
  readonly answer: readonly string[];
  readonly inUse: Readonly<Record<string, number>>;
}

const CASES = fixtures<Case>("service-usage");

function read({ selector, answer, inUse }: Case): ServiceUsage {
  const [service] = parseServiceTable([`-A ${selector} -s rr`], []);
  if (service?.target === undefined) throw new Error(selector);
  return parseServiceUsage(answer.join("\n"), service.target, Object.keys(inUse));
}

describe("connections in use", () => {
  it.each(CASES)("are counted: $name", ({ data }) => {
    const { inUse, service } = read(data);
    expect(Object.fromEntries(inUse)).toEqual(data.inUse);
    expect(service?.selector).toBe(data.answer.length > 1 ? data.selector : undefined);
  });

  it("are not counted from an answer with a line that is not known, or without timeouts", () => {
    const [first] = CASES.map(({ data }) => data);
    const lines = first?.answer ?? [];
    const reading = (answer: readonly string[]) => () =>
      read({ selector: "", inUse: {}, ...first, answer });
    expect(reading([...lines, "conn 3"])).toThrow(UnreadableAnswer);
    expect(reading([...lines, "conn 1 XX FIN_WAIT 3"])).toThrow(UnreadableAnswer);
    expect(reading([...lines, "other"])).toThrow(UnreadableAnswer);
    const without = lines.filter((line) => !line.startsWith("timeouts"));
    expect(reading(without)).toThrow(UnreadableAnswer);
    expect(reading(lines.slice(0, -1))).toThrow("connections that end early");
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
