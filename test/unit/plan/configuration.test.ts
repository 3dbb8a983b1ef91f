import { describe, expect, it } from "vitest";
import { bindingLines } from "../../../src/plan/configuration";
import { fixtures } from "../fixtures";

interface Case {
  readonly file: string;
  readonly binds: readonly string[];
  readonly others: readonly string[];
}

const VIPS = ["203.0.113.10", "2001:db8::10"];

describe("a line that binds a VIP", () => {
  it.each(fixtures<Case>("network-lines"))("is known in a file of $name", ({ data }) => {
    const told = (text: string) => bindingLines(VIPS, [{ file: data.file, line: 7, text }]);
    for (const text of data.binds)
      expect(told(text), text).toEqual([
        { vip: text.includes(":db8:") ? VIPS[1] : VIPS[0], file: data.file, line: 7 },
      ]);
    for (const text of data.others) expect(told(text), text).toEqual([]);
  });

  it("is the one with the command in a script that has VIPs in variables", () => {
    const file = "/etc/init.d/realserver";
    const script = (...texts: string[]) => texts.map((text, at) => ({ file, line: at + 1, text }));
    const [start, stop] = ["ifconfig lo:0 $VIP broadcast $VIP up", "ip addr del $VIP/32 dev lo"];
    const told = (...texts: string[]) => bindingLines(VIPS, script(...texts));
    expect(told("VIP=203.0.113.10", `  ${start}`, stop)).toEqual([{ vip: VIPS[0], file, line: 2 }]);
    expect(told("for VIP in 203.0.113.9 203.0.113.10; do", `  ${start}`)).toHaveLength(1);
    expect(told('export VIPS="203.0.113.10 2001:db8::10"', "ip a a $v dev lo")).toHaveLength(2);
    expect(
      told("Environment=VIP=203.0.113.10", "ExecStart=/sbin/ip a add ${VIP}/32 dev lo"),
    ).toHaveLength(1);
    expect(told("VIP=203.0.113.10", stop)).toEqual([]);
    expect(told("# VIP=203.0.113.10", start)).toEqual([]);
    expect(told("VIP=203.0.113.11", start)).toEqual([]);
  });

  it("is nobody's business where it is not one of ours", () => {
    const line = { file: "/etc/rc.local", line: 1, text: "ip addr add 203.0.113.10/32 dev lo" };
    expect(bindingLines(["203.0.113.11"], [line])).toEqual([]);
  });
});
