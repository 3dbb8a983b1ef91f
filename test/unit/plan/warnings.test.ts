import { describe, expect, it } from "vitest";
import { recordOf } from "../../../src/plan/claim";
import type { Observed } from "../../../src/observed/observed";
import { warnings } from "../../../src/plan/warnings";
import { claimOf, hostOf, type ClaimSketch, type HostSketch } from "../model";

function warningsOn(sketch: HostSketch, declared: ClaimSketch = {}): string[] {
  const claim = claimOf(declared);
  return warnings(claim, recordOf(claim, "").claims, hostOf(sketch).observed);
}

/** A host with a second NIC that has an address and this rp_filter. */
function withSecondNic(rpFilter: number, observed: Partial<Observed> = {}): HostSketch {
  const { nics } = hostOf({ nics: { eth0: [0, 0], "eth1.5": [0, 0] } }).observed;
  return {
    addresses: ["eth1.5 10.5.0.1/24 global eth1.5"],
    observed: {
      nics: nics.map((nic) => (nic.name === "eth0" ? nic : { ...nic, rpFilter })),
      ...observed,
    },
  };
}

describe("people are warned", () => {
  it("of nothing on a plain host", () => {
    expect(warningsOn({})).toEqual([]);
  });

  it("of a RIP that is on no NIC, or on one that is on no wire", () => {
    const addresses = [
      ...["eth0 10.0.0.12/24 global eth0", "eth0 fe80::1/64 link"],
      ...["lo 10.0.0.13/32 host lo", "dummy0 10.0.0.14/32 global dummy0"],
    ];
    const nics = { eth0: [0, 0], dummy0: [0, 0, "noarp"] } as const;
    const rips = ["10.0.0.12", "10.0.0.13", "10.0.0.14", "fd00::12"];
    const own = "is no address of this host's NICs (10.0.0.11, 10.0.0.12): what directors send";
    expect(warningsOn({ addresses, nics }, { rips })).toEqual([
      expect.stringContaining(`the RIP 10.0.0.13 ${own}`),
      expect.stringContaining(`the RIP 10.0.0.14 ${own}`),
      expect.stringContaining("the RIP fd00::12 is no address of this host's NICs (none): "),
    ]);
  });

  it("of a profile by which NetworkManager would take the VIPs off", () => {
    const file = "/etc/NetworkManager/system-connections/lo.nmconnection";
    expect(warningsOn({ observed: { loProfiles: [file] } })).toEqual([
      expect.stringContaining(`${file} has NetworkManager manage lo`),
    ]);
  });

  it("of a VIP that stays as it is for the sake of a route", () => {
    const routes = ["default via 10.0.0.254 dev eth0 src 203.0.113.10"];
    const addresses = ["lo 203.0.113.10/32 global lo"];
    expect(warningsOn({ addresses, routes, all: [1, 2] })).toEqual([]);
    const observed = { ip: "busybox" } as const;
    expect(warningsOn({ addresses, routes, observed, all: [1, 2] })).toEqual([
      '203.0.113.10/32 stays on lo as it is (scope global, label lo): the route "default via 10.0.0.254 dev eth0 src 203.0.113.10" has it as its source and would not outlive it; run "ip route replace default via 10.0.0.254 dev eth0" for it to be bound as a VIP is',
    ]);
    const asWanted = ["lo 203.0.113.10/32 host lo:dr"];
    expect(warningsOn({ addresses: asWanted, routes, observed, all: [1, 2] })).toEqual([]);
  });

  it("of what was undone in the boot after the replay had set it", () => {
    const boot = { findings: ["arp_ignore of all was 0, and is put back to 1"] };
    expect(warningsOn({ boot })).toEqual([
      "since the last boot: arp_ignore of all was 0, and is put back to 1; look for who sets it late in the boot",
    ]);
  });

  it("of a NIC that drops what the director sends, because it is not the way back", () => {
    const said = [
      expect.stringMatching(
        /^eth1\.5 has rp_filter 1 .* set net\.ipv4\.conf\.eth1\/5\.rp_filter to 2$/,
      ),
    ];
    expect(warningsOn(withSecondNic(1))).toEqual(said);
    expect(warningsOn(withSecondNic(0, { allRpFilter: 1 }))).toEqual(said);
  });

  it("of no such NIC where rp_filter is loose or off, it is the way back, or nothing is known", () => {
    expect(warningsOn(withSecondNic(0))).toEqual([]);
    expect(warningsOn(withSecondNic(2))).toEqual([]);
    expect(warningsOn(withSecondNic(1, { allRpFilter: 2 }))).toEqual([]);
    expect(warningsOn(withSecondNic(1, { defaultNics: ["eth0", "eth1.5"] }))).toEqual([]);
    expect(warningsOn(withSecondNic(1, { defaultNics: [] }))).toEqual([]);
    expect(warningsOn({ ...withSecondNic(1), addresses: [] })).toEqual([]);
  });

  /** A host with so many pods whose ends on the host have no address. */
  function withPods(count: number): HostSketch {
    const names = Array.from({ length: count }, (_, at) => `pod${at}`);
    const { nics } = hostOf({
      nics: Object.fromEntries(["eth0", ...names].map((name) => [name, [0, 0]])),
    }).observed;
    return {
      observed: {
        nics: nics.map((nic) => (nic.name === "eth0" ? nic : { ...nic, unnumberedPair: true })),
      },
    };
  }

  it("of a container's NIC that is silent about the host's own addresses, too", () => {
    expect(warningsOn(withPods(1))).toEqual([
      expect.stringMatching(/^no IPv4 address on pod0: silent by arp\.interfaces, .* arp\.except$/),
    ]);
    expect(warningsOn(withPods(5))).toEqual([
      expect.stringMatching(/^no IPv4 address on pod0, pod1, pod2 and 2 more: silent by/),
    ]);
    const arp = { interfaces: ["eth0"], except: ["pod*"] };
    expect(warningsOn(withPods(1), { arp })).toEqual([]);
    expect(warningsOn(withPods(1), { vips: ["2001:db8::10"] })).toEqual([]);
  });

  const inFile = (text: string, declared: ClaimSketch = {}) =>
    warningsOn(
      { observed: { sysctlLines: [{ file: "/etc/sysctl.d/99-local.conf", line: 3, text }] } },
      declared,
    );

  it.each([
    ["net.ipv4.conf.all.arp_ignore = 0", {}],
    ["  -net/ipv4/conf/all/arp_ignore=4", {}],
    ["net.ipv4.conf.all.arp_announce=1", {}],
    ["net.ipv4.conf.*.arp_ignore = 0", {}],
    ["net.ipv4.conf.all.arp_ignore = 1", { arp: { ignore: 2 } }],
    ["net.ipv4.conf.eth0/100.arp_ignore = 0", { arp: { interfaces: ["eth0.100"] } }],
    ["net/ipv4/conf/eth0.100/arp_ignore = 0", { arp: { interfaces: ["eth0.100"] } }],
    ["net.ipv4.conf.eth0.arp_ignore = 8", {}],
    ["net.ipv4.conf.default.arp_ignore = 4", {}],
    ["net.ipv4.conf.*.arp_ignore = 4", { arp: { interfaces: ["eth0"] } }],
  ] satisfies [string, ClaimSketch][])("of a line that would undo a key: %s", (text, declared) => {
    expect(inFile(text, declared)).toEqual([
      expect.stringMatching(/^\/etc\/sysctl\.d\/99-local\.conf line 3 sets .* a reboot/),
    ]);
  });

  it.each([
    ["net.ipv4.conf.all.arp_ignore = 1", {}],
    ["net.ipv4.conf.all.arp_ignore = 2", {}],
    ["net.ipv4.conf.eth0.arp_ignore = 0", {}],
    ["net.ipv4.conf.eth0.arp_ignore = 3", {}],
    ["net.ipv4.conf.lo.arp_ignore = 8", {}],
    ["net.ipv4.conf.eth1.arp_ignore = 8", { arp: { interfaces: ["eth0"] } }],
    ["net.ipv4.conf.eth01100.arp_ignore = 0", { arp: { interfaces: ["eth0.100"] } }],
    ["net.ipv4.conf.all.arp_ignore = 0", { vips: ["2001:db8::10"] }],
    ["net.ipv4.conf.all.arp_accept = 0 # not arp_ignore", {}],
  ] satisfies [string, ClaimSketch][])("of no other line: %s", (text, declared) => {
    expect(inFile(text, declared)).toEqual([]);
  });

  it("of a line that is in force, and of none that a later one replaces", () => {
    const at = (file: string, line: number, value: number) => {
      return { file, line, text: `net.ipv4.conf.all.arp_ignore = ${value}` };
    };
    const told = (...sysctlLines: Observed["sysctlLines"]) =>
      warningsOn({ observed: { sysctlLines } }).map((text) => text.split(" sets ")[0]);
    const [early, late, last] = ["/usr/lib/sysctl.d/10-a.conf", "/etc/sysctl.d/90-b.conf"].concat(
      "/etc/sysctl.conf",
    ) as [string, string, string];
    expect(told(at(late, 1, 1), at(early, 1, 0))).toEqual([]);
    expect(told(at(late, 1, 0), at(early, 1, 0))).toEqual([`${late} line 1`]);
    expect(told(at(late, 1, 0), at(late, 2, 1))).toEqual([]);
    expect(told(at(last, 7, 0), at(late, 1, 1))).toEqual([`${last} line 7`]);
  });

  it("of a line of the host's configuration that binds a VIP by itself", () => {
    const networkLines = [
      { file: "/etc/network/interfaces", line: 12, text: "  address 203.0.113.10" },
      { file: "/etc/network/interfaces", line: 20, text: "  address 203.0.113.99" },
    ];
    expect(warningsOn({ observed: { networkLines } })).toEqual([
      expect.stringMatching(
        /^\/etc\/network\/interfaces line 12 binds 203\.0\.113\.10: at the next/,
      ),
    ]);
  });

  it("of proxy_ndp, where an IPv6 VIP is declared", () => {
    const observed = { proxyNdp: ["eth0", "all"] };
    expect(warningsOn({ observed }, { vips: ["2001:db8::10"] })).toEqual([
      expect.stringContaining("proxy_ndp is set on eth0, all"),
    ]);
    expect(warningsOn({ observed })).toEqual([]);
  });

  it("of a host that answered for a VIP until now: routers keep the wrong MAC", () => {
    const addresses = ["lo 203.0.113.10/32 host lo:dr"];
    expect(warningsOn({ addresses })).toEqual([
      expect.stringMatching(
        /^until now the host answered for 203\.0\.113\.10 on eth0: .*arping -U/,
      ),
    ]);
    expect(warningsOn({ addresses, all: [1, 2] })).toEqual([]);
  });

  it("of an address on lo that SSH came in by, while a neighbour may still find it by ARP", () => {
    const addresses = ["lo 192.0.2.1/32 global lo"];
    const session = { client: "10.0.0.1", server: "192.0.2.1" };
    const cutOff = expect.stringContaining(
      "192.0.2.1, by which SSH came in, is on lo: eth0 answers no ARP for it any more, and where 10.0.0.1 finds it",
    ) as string;
    expect(warningsOn({ addresses, observed: { session } })).toEqual([cutOff]);
    // One that is silent already is reached all the same.
    expect(warningsOn({ addresses, observed: { session }, all: [1, 2] })).toEqual([]);
    // A gateway knows a way by the NIC's own address.
    const sessionRoute = { nic: "eth0", via: "10.0.0.254" };
    expect(warningsOn({ addresses, observed: { session, sessionRoute } })).toEqual([]);
  });
});
