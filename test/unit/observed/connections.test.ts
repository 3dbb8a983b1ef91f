import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { arrivals, connectionPatterns, parseUsage } from "../../../src/observed/connections";
import { UnreadableAnswer } from "../../../src/protocol/answer";
import { fixtures } from "../fixtures";

interface Case {
  readonly vips: readonly string[];
  /** As the host has them, before it looks for ours. */
  readonly tcp?: readonly string[];
  readonly conntrack?: readonly string[];
  readonly ss?: readonly string[];
  readonly endedSs?: readonly string[];
  readonly byVip: Readonly<Record<string, number>>;
  readonly ended: number;
}

/** What host.sh does with the patterns, so that they are tried on real tables. */
function answerOf({ vips, ss = [], endedSs = [], tcp = [], conntrack = [] }: Case): string {
  const patterns = connectionPatterns(vips);
  const matching = (lines: readonly string[], pattern: string) =>
    lines.filter((line) => new RegExp(pattern).test(line));
  const translated = matching(conntrack, patterns.conntrack).filter(
    (line) =>
      !/ (TIME_WAIT|CLOSE) /.test(line) && !/^[^=]*src=[^ ]* dst=([^ ]*) .* src=\1 /.test(line),
  );
  return [
    ...counted("ss", ss),
    ...counted("ended ss", endedSs),
    ...counted("tcp", matching(tcp, `${patterns.tcp} 0[1-589BC] `)),
    ...counted("ended tcp", matching(tcp, `${patterns.tcp} 06 `)),
    ...counted("conntrack", translated),
    "",
  ].join("\n");
}

function counted(source: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  return [...lines.map((line) => `${source} ${line}`), `${lines.length}`];
}

const VIP = "203.0.113.10";
const line = (peer: string, local = `${VIP}:80`) => `ss ESTAB 0 0 ${local} ${peer}`;
const answer = (...lines: string[]) => [...lines, `${lines.length}`, ""].join("\n");

describe("connections to a VIP", () => {
  it.each(fixtures<Case>("connections"))("$name", ({ data }) => {
    const usage = parseUsage(answerOf(data), data.vips);
    expect(Object.fromEntries(usage.byVip ?? [])).toEqual(data.byVip);
    expect(usage.total).toBe(Object.values(data.byVip).reduce((sum, one) => sum + one, 0));
    expect(usage.ended).toBe(data.ended);
  });

  it("are none where the host has none", () => {
    expect(parseUsage("", [VIP])).toMatchObject({ total: 0, blind: false });
  });

  it("of a host that talks to itself count once, though it has both ends", () => {
    const both = answer(line(`${VIP}:5000`), line(`${VIP}:80`, `${VIP}:5000`));
    expect(parseUsage(both, [VIP]).total).toBe(1);
  });

  it("are only a number where there are too many to be told", () => {
    const many = `${line("10.0.0.9:1")}\n250000\nconntrack ${ENTRY}\n1\n`;
    expect(parseUsage(many, [VIP])).toMatchObject({ total: 250_001, byVip: undefined });
  });

  it("cannot be told where addresses are translated and conntrack cannot be read", () => {
    const blind = `${line("10.0.0.9:1")}\n1\nconntrack blind\n1\n`;
    expect(parseUsage(blind, [VIP])).toMatchObject({ total: 1, blind: true });
  });

  it.each([
    "ss cannot be counted",
    "tcp cannot be searched\n1",
    "ss ESTAB 0 0 10.0.0.11:22 10.0.0.1:5000\n1",
    line("10.0.0.9:1"),
    "nonsense",
  ])("are never overlooked: %j is no answer", (body) => {
    expect(() => parseUsage(`${body}\n`, [VIP])).toThrow(UnreadableAnswer);
  });

  it("are read or refused, whatever a host says", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (body) => {
        try {
          expect(parseUsage(body, [VIP]).total).toBeGreaterThanOrEqual(0);
        } catch (error) {
          expect(error).toBeInstanceOf(UnreadableAnswer);
        }
      }),
    );
  });
});

describe("new connections", () => {
  const seen = (...lines: string[]) => parseUsage(answer(...lines), [VIP]);

  it("are those that were not there before, however many have ended", () => {
    const before = seen(line("10.0.0.9:1"), line("10.0.0.9:2"));
    expect(arrivals(before, seen(line("10.0.0.9:3")))).toBe(1);
    expect(arrivals(before, seen(line("10.0.0.9:2")))).toBe(0);
  });

  it("are those, too, that came and went between two looks, and have left a TIME-WAIT", () => {
    const gone = (peer: string) => `ended ${line(peer)}`;
    const before = parseUsage(`${line("10.0.0.9:1")}\n1\n${gone("10.0.0.9:7")}\n1\n`, [VIP]);
    expect(before).toMatchObject({ total: 1, ended: 1 });
    const after = (...ended: string[]) => parseUsage(answer(...ended), [VIP]);
    expect(arrivals(before, after(gone("10.0.0.9:1"), gone("10.0.0.9:7")))).toBe(0);
    expect(arrivals(before, after(gone("10.0.0.9:1"), gone("10.0.0.9:8")))).toBe(1);
  });

  it("show by the number alone where there are too many", () => {
    const number = (count: number) => parseUsage(`${line("10.0.0.9:1")}\n${count}\n`, [VIP]);
    expect(arrivals(number(5000), number(5007))).toBe(7);
    expect(arrivals(number(5000), number(4000))).toBe(0);
  });
});

const ENTRY =
  "tcp 6 59 ESTABLISHED src=10.9.0.1 dst=203.0.113.10 sport=5 dport=80 src=172.17.0.2 dst=10.9.0.1 sport=8080 dport=5 [ASSURED] mark=0 use=1";
