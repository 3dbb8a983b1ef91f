import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseObservation, type Observed } from "../../../src/observed/observed";
import { UnreadableAnswer } from "../../../src/protocol/answer";
import { fixtures } from "../fixtures";

interface Case {
  readonly body: readonly string[];
  readonly observed: unknown;
}

const CASES = fixtures<Case>("observed");
const [busy] = CASES.filter(({ name }) => name.startsWith("busy-iproute2"));
const BUSY = busy?.data.body ?? [];
const bodies = fc.constantFrom(...CASES.map(({ data }) => data.body));
const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

/** The busy host's answer with its lines of one kind replaced. */
function withLines(kind: string, ...lines: string[]): string {
  const rest = BUSY.filter((line) => !line.startsWith(`${kind} `) && line !== "end");
  return [...rest, ...lines, "end"].join("\n");
}

/** What is read, or the reason why nothing is. Any other error fails the test. */
function read(body: string): Observed | "unreadable" {
  try {
    return parseObservation(body);
  } catch (error) {
    if (error instanceof UnreadableAnswer) return "unreadable";
    throw error;
  }
}

describe("a host's answer", () => {
  it.each(CASES)("is read from $name", ({ data }) => {
    const { registry, ...rest } = parseObservation(data.body.join("\n"));
    const owners = Object.fromEntries(registry?.owners ?? []);
    const told = { ...rest, ...(registry && { registry: { ...registry, owners } }) };
    expect(JSON.parse(JSON.stringify(told))).toEqual(data.observed);
  });

  it("has IPVS services of both families, and passes over those by firewall mark", () => {
    // /proc/net/ip_vs, from ip_vs_info_seq_show in net/netfilter/ipvs/ip_vs_ctl.c.
    const body = withLines(
      "service",
      "service IP Virtual Server version 1.2.1 (size=4096)",
      "service Prot LocalAddress:Port Scheduler Flags",
      "service   -> RemoteAddress:Port Forward Weight ActiveConn InActConn",
      "service TCP  CB00710A:0050 rr  ",
      "service   -> 0A00000C:0050      Route   1      0          0         ",
      "service UDP  [2001:0db8:0000:0000:0000:0000:0000:0010]:0035 wlc ",
      "service FWM  00000001 rr ",
    );
    expect(parseObservation(body).services).toEqual(["203.0.113.10", "2001:db8::10"]);
  });

  it("names the ways of a multipath default route, and of no other route", () => {
    const body = withLines(
      "default",
      "default default proto static ",
      "default \tnexthop via 10.0.0.1 dev eth0 weight 1 ",
      "default \tnexthop via inet6 fe80::1 dev eth1 weight 1 ",
      "default 10.9.0.0/16 proto static ",
      "default \tnexthop via 10.0.0.7 dev eth7 weight 1 ",
      "default unreachable default dev lo metric 4294967295 error -101",
    );
    const { gateways, defaultNics } = parseObservation(body);
    expect(gateways).toEqual(["10.0.0.1", "fe80::1"]);
    expect(defaultNics).toEqual(["eth0", "eth1"]);
  });

  it("may have no route back to the session's peer, and one through a gateway", () => {
    const back = (...lines: string[]) =>
      parseObservation(withLines("session-route", ...lines)).sessionRoute;
    expect(back()).toBeUndefined();
    expect(
      back("session-route 192.0.2.9 via 10.0.0.254 dev eth0 src 10.0.0.11 uid 0 \\    cache "),
    ).toEqual({ nic: "eth0", via: "10.0.0.254" });
  });

  it("takes a NIC that went away while it was read for one that could answer", () => {
    const body = withLines("conf", "conf 0 0 0 - wired all", "conf 0 0 0 - wired gone0");
    expect(parseObservation(body).nics).toMatchObject([{ name: "gone0", hearsArp: true }]);
  });

  it("has a NIC in a bond or a bridge, which hears no ARP, but may send it from an address of its own", () => {
    const body = withLines(
      "conf",
      "conf 0 0 0 - wired all",
      "conf 0 0 0 0x1803 enslaved p1",
      "conf 0 0 0 0x1303 enslaved eth0",
    );
    expect(parseObservation(body).nics).toMatchObject([
      { name: "p1", hearsArp: false, offWire: false },
      { name: "eth0", hearsArp: true, offWire: false },
    ]);
  });

  it("tells an end of a veth pair that is up and has no address", () => {
    const body = withLines(
      "conf",
      "conf 0 0 0 - wired all",
      "conf 0 0 0 0x1003 pair p1",
      "conf 0 0 0 0x1002 pair p2",
      "conf 0 0 0 0x1003 pair eth0",
    );
    const { nics } = parseObservation(body);
    expect(nics.filter((nic) => nic.unnumberedPair).map((nic) => nic.name)).toEqual(["p1"]);
    expect(nics.every((nic) => nic.hearsArp)).toBe(true);
  });

  it.each([
    ["session", "session 10.0.0.1"],
    ["session", "session somewhere 1 10.0.0.11 22"],
    ["ip", "ip toybox"],
    ["sysctl-writable", "sysctl-writable maybe"],
    ["ipv6-disabled", "ipv6-disabled "],
    ["ip-forward", "ip-forward 7"],
    ["conf", "conf 0 0 0 0x1003 wired eth0"],
    ["conf", "conf x 0 0 - wired all"],
    ["conf", "conf 0 0 0 0x1003 looped eth9"],
    ["proxied", "proxied nothing dev eth0"],
    ["sysctl-file", "sysctl-file /etc/sysctl.conf"],
    ["file", "file saved of another version"],
    ["file", "file leftover something"],
    ["file", "file owners/0 lvs-dr-owner 1"],
    ["service", "service TCP  [:::]:0050 rr"],
    ["unheard-of", "unheard-of word"],
  ])("is unreadable with another %s line: %s", (kind, line) => {
    expect(read(withLines(kind, line))).toBe("unreadable");
  });

  it.each([
    [
      "of another version",
      BUSY.with(0, "lvs-dr-observation 2"),
      /^the observation begins with "lvs-dr-observation 2", not "lvs-dr-observation 1"$/,
    ],
    [
      "with another last line",
      BUSY.with(-1, "more 1"),
      /^the observation ends with "more 1", not "end"$/,
    ],
    [
      "that ends with its first line",
      BUSY.slice(0, 1),
      /^the observation ends with "lvs-dr-observation 1"/,
    ],
    ["that is empty", [""], /^the observation begins with "", not/],
  ])("%s is told by the line that is wrong", (_, lines, message) => {
    expect(() => parseObservation(lines.join("\n"))).toThrow(message);
    expect(read(lines.join("\n"))).toBe("unreadable");
  });

  it("is told by the file where a later version wrote the registry", () => {
    const newer = BUSY.map((line) => line.replace("lvs-dr-saved 1", "lvs-dr-saved 2"));
    expect(() => parseObservation(newer.join("\n"))).toThrow(
      /^registry file saved has format 2, .*a newer version wrote it; npm install pulumi-lvs-dr@latest$/,
    );
    expect(read(newer.join("\n"))).toBe("unreadable");
  });

  it("carries a registry's lines of a later version, whatever text they have", () => {
    const line = "x-note  a\u2028b  'c' \\ größe ";
    const later = BUSY.flatMap((one) =>
      one === "file saved end" ? [`file saved ${line}`, one] : [one],
    );
    expect(parseObservation(later.join("\n")).registry?.saved.unknown).toEqual([line]);
  });

  it("is unreadable when a line that stands once stands twice, or is missing", () => {
    for (const kind of "session ip boot machine product sysctl-writable ip-forward".split(" ")) {
      const line = BUSY.find((one) => one.startsWith(`${kind} `)) ?? "";
      expect(read(withLines(kind, line, line))).toBe("unreadable");
      expect(read(withLines(kind))).toBe("unreadable");
    }
  });

  it("is unreadable when it is cut anywhere", () => {
    for (const { data } of CASES) {
      const whole = data.body.join("\n");
      for (let at = 0; at < whole.length; at += 1)
        expect(read(whole.slice(0, at))).toBe("unreadable");
    }
  });

  it("is an answer or unreadable, never a crash, when lines are garbled, doubled or dropped", () => {
    const damage = fc.oneof(
      fc.record({ kind: fc.constant("drop" as const), at: share }),
      fc.record({ kind: fc.constant("double" as const), at: share }),
      fc.record({ kind: fc.constant("set" as const), at: share, column: share, to: fc.string() }),
    );
    fc.assert(
      fc.property(bodies, fc.array(damage, { minLength: 1, maxLength: 3 }), (body, all) => {
        const lines = [...body];
        for (const one of all) {
          const at = Math.floor(one.at * lines.length);
          const line = lines[at] ?? "";
          if (one.kind === "drop") lines.splice(at, 1);
          if (one.kind === "double") lines.splice(at, 0, line);
          if (one.kind !== "set") continue;
          const column = Math.floor(one.column * line.length);
          lines[at] = line.slice(0, column) + one.to + line.slice(column + 1);
        }
        read(lines.join("\n"));
      }),
      { numRuns: 3000 },
    );
  });

  it("has lines of other people's files as Windows ends them, and with any other byte", () => {
    const body = withLines(
      "network-line",
      "network-line /etc/netplan/50-lo.yaml:3:      - 203.0.113.10/32\r",
      "network-line /etc/rc.local:2:ip addr add 203.0.113.10/32 dev lo # \r\u2028\u0085",
      "sysctl-file 7 /etc/sysctl.d/90-lvs.conf net.ipv4.conf.all.arp_ignore = 0\r",
    );
    const { networkLines, sysctlLines } = parseObservation(body);
    expect(networkLines.map(({ text }) => text)).toEqual([
      "      - 203.0.113.10/32",
      "ip addr add 203.0.113.10/32 dev lo # \r\u2028\u0085",
    ]);
    expect(sysctlLines.at(-1)).toEqual({
      ...{ file: "/etc/sysctl.d/90-lvs.conf", line: 7, text: "net.ipv4.conf.all.arp_ignore = 0" },
    });
  });

  it("is unreadable when it is anything else", () => {
    fc.assert(fc.property(fc.string(), (text) => read(text) === "unreadable"));
  });
});
