import { describe, expect, it } from "vitest";
import { parseChecks } from "../../../src/observed/keepalived-checks";

const real = (address: string, port: number, alive: number) => [
  `RIP = ${address}, RPORT = ${port}, WEIGHT = 1 EFF WEIGHT = 1`,
  `alive = ${alive}`,
];

describe("what keepalived says of its checks", () => {
  it("is read for each service by itself, of one address and port too", () => {
    const head = "VS VIP = 2001:db8::10, VPORT = 53";
    const inet6 = "Address family = inet6";
    const lines = [
      ...[head, inet6, "protocol = TCP", "alive = 1", ...real("fd00::11", 53, 1)],
      ...[head, inet6, "protocol = UDP", "alive = 0", ...real("fd00::11", 53, 0)],
    ];
    expect(parseChecks(lines)).toEqual([
      { selector: "-t [2001:db8::10]:53", alive: { "fd00::11": true } },
      { selector: "-u [2001:db8::10]:53", alive: { "fd00::11": false } },
    ]);
  });

  it("is of a firewall mark and a family, or of nothing that can be declared", () => {
    const mark = ["VS FWMARK = 7", "Address family = inet6", "protocol = none", "alive = 1"];
    const sctp = [
      "VS VIP = 203.0.113.10, VPORT = 90",
      "protocol = SCTP",
      ...real("10.0.0.7", 90, 1),
    ];
    expect(parseChecks([...mark, ...real("fd00::11", 0, 0), ...sctp])).toEqual([
      { selector: "-f 7 -6", alive: { "fd00::11": false } },
    ]);
    expect(parseChecks(["alive = 1", "VS VIP = nonsense, VPORT = 1", "protocol = TCP"])).toEqual(
      [],
    );
  });
});
