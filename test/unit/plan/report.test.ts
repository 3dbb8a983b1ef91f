import { describe, expect, it } from "vitest";
import { recordState, report } from "../../../src/plan/report";
import { claimOf, hostOf, type ClaimSketch, type HostSketch } from "../model";

const BOUND = "lo 203.0.113.10/32 host lo:dr";
const SERVING: HostSketch = {
  addresses: [BOUND],
  all: [1, 2],
  owners: [{}],
  saved: ["all arp_ignore 0 1", "all arp_announce 0 2"],
};

function reportOn(host: HostSketch, claim: ClaimSketch = {}) {
  return report(claimOf(claim), hostOf({ ...SERVING, ...host }).observed);
}

describe("a host that is as declared", () => {
  it("has no drift, and shows what is bound and in force", () => {
    expect(reportOn({})).toEqual({
      bindings: [{ address: "203.0.113.10", scope: "host", label: "lo:dr" }],
      effectiveArp: { eth0: { ignore: 1, announce: 2 } },
      foreignVips: [],
      withdrawable: [],
      drift: [],
      observedVips: ["203.0.113.10"],
      observedArp: { ignore: 1, announce: 2 },
      record: "ours",
      machineId: "1111",
      saved: [
        { interface: "all", key: "arp_ignore", value: 0, written: 1 },
        { interface: "all", key: "arp_announce", value: 0, written: 2 },
      ],
    });
  });
});

describe("drift is one line a difference", () => {
  it.each<[string, HostSketch, ClaimSketch, string[]]>([
    ["a VIP that is gone", { addresses: [] }, {}, ["lo: 203.0.113.10/32 not bound"]],
    [
      "no boot kit",
      { owners: [{ persist: true }] },
      { persist: true },
      [
        "boot: the program that binds the VIPs again is missing, changed, or an older one",
        "boot: the unit that starts it is missing, changed, or an older one",
        "boot: the unit is not enabled",
      ],
    ],
    [
      "a unit that is not enabled",
      { owners: [{ persist: true }], boot: "disabled" },
      { persist: true },
      ["boot: the unit is not enabled"],
    ],
    [
      "a replay that failed",
      { owners: [{ persist: true }], boot: "failed" },
      { persist: true },
      ["boot: the replay failed: eth1 is not there"],
    ],
    [
      "an owner that is to be bound again at boot, and is not known as one",
      { boot: "current" },
      { persist: true },
      ["registry: the record on the host differs"],
    ],
    [
      "an IPv6 VIP that is gone",
      { owners: [{ vips: ["203.0.113.10", "2001:db8::10"] }] },
      { vips: ["203.0.113.10", "2001:db8::10"] },
      ["lo: 2001:db8::10/128 not bound"],
    ],
    [
      "a VIP with another scope and label, on one line",
      { addresses: ["lo 203.0.113.10/32 global lo"] },
      {},
      ["lo: 203.0.113.10/32 has scope global, wanted host; label lo, wanted lo:dr"],
    ],
    [
      "a VIP without a label",
      { addresses: ["lo 203.0.113.10/32 host"] },
      {},
      ["lo: 203.0.113.10/32 has label none, wanted lo:dr"],
    ],
    [
      "a VIP with a lifetime",
      { addresses: [{ at: BOUND, validLft: "99", preferredLft: "50" }] },
      {},
      ["lo: 203.0.113.10/32 has valid_lft 99, wanted forever; preferred_lft 50, wanted forever"],
    ],
    [
      "a VIP that is declared no more",
      {
        addresses: [BOUND, "lo 203.0.113.11/32 host lo:dr"],
        owners: [{ vips: ["203.0.113.10", "203.0.113.11"] }],
      },
      {},
      ["lo: 203.0.113.11/32 bound, and declared no more"],
    ],
    ["a sysctl undone on all", { all: [0, 2] }, {}, ["eth0: arp_ignore 0, wanted 1"]],
    [
      "a sysctl undone on all, for each NIC that answers now",
      { all: [0, 0], nics: { eth0: [0, 0], "eth0.100": [1, 0], dummy0: [0, 0, "noarp"] } },
      {},
      [
        "eth0: arp_ignore 0, wanted 1",
        "eth0: arp_announce 0, wanted 2",
        "eth0.100: arp_announce 0, wanted 2",
      ],
    ],
    [
      "a sysctl undone on all that no NIC shows yet",
      { all: [0, 2], nics: { eth0: [1, 0] } },
      {},
      ["all: arp_ignore 0, wanted 1"],
    ],
    [
      "a listed NIC's own value, though all hides it",
      {
        nics: { eth0: [0, 2], eth1: [1, 2] },
        owners: [
          {
            claims: [
              { interface: "eth0", key: "arp_ignore", value: 1 },
              { interface: "eth0", key: "arp_announce", value: 2 },
            ],
          },
        ],
        saved: [],
      },
      { arp: { interfaces: ["eth0"] } },
      ["eth0: arp_ignore 0, wanted 1"],
    ],
    ["a missing record", { owners: [] }, {}, ["registry: no record of this resource on the host"]],
    [
      "the record of an earlier create",
      { owners: [{ incarnation: "0000" }] },
      {},
      ["registry: the record on the host is of an earlier create"],
    ],
    [
      "the record of a later create",
      { owners: [{ incarnation: "0002" }] },
      {},
      ["registry: the record on the host is of a later create"],
    ],
    [
      "a record that says something else",
      { owners: [{ vips: ["203.0.113.10", "203.0.113.11"] }] },
      {},
      ["registry: the record on the host differs"],
    ],
  ])("%s", (_, host, claim, lines) => {
    expect(reportOn(host, claim).drift).toEqual(lines);
  });

  it("and names what up would refuse to mend: a NIC that leaks by its own value", () => {
    expect(reportOn({ nics: { eth0: [4, 0] } }).drift).toEqual([
      "eth0: arp_ignore 4, wanted 1",
      expect.stringContaining("set net.ipv4.conf.eth0.arp_ignore to 1 or 2"),
    ]);
  });

  it("and names what up would refuse to mend: a VIP with a wider prefix", () => {
    const { drift, bindings, observedVips } = reportOn({
      addresses: ["lo 203.0.113.10/24 global lo"],
    });
    expect(drift).toEqual([
      "lo: 203.0.113.10/32 not bound",
      expect.stringContaining("wider than /32"),
    ]);
    expect(bindings).toEqual([]);
    expect(observedVips).toEqual([]);
  });
});

describe("what up and preview show as inputs", () => {
  it("are the declared VIPs that are bound, with any scope, and no foreign one", () => {
    const { observedVips } = reportOn(
      { addresses: ["lo 203.0.113.11/32 global lo", "lo 198.51.100.1/32 global lo"] },
      { vips: ["203.0.113.10", "203.0.113.11"] },
    );
    expect(observedVips).toEqual(["203.0.113.11"]);
  });

  it("are the declared ARP values while they or stricter ones hold, else those in force", () => {
    expect(reportOn({ all: [2, 2] }).observedArp).toEqual({ ignore: 1, announce: 2 });
    expect(reportOn({ all: [0, 1] }).observedArp).toEqual({ ignore: 0, announce: 1 });
    expect(reportOn({ all: [8, 2] }).observedArp).toEqual({ ignore: 8, announce: 2 });
  });

  it("are the declared ARP values where only IPv6 VIPs are declared", () => {
    const { observedArp, drift } = reportOn(
      { all: [0, 0], addresses: [], owners: [], saved: [] },
      { vips: ["2001:db8::10"] },
    );
    expect(observedArp).toEqual({ ignore: 1, announce: 2 });
    expect(drift).toEqual([
      "lo: 2001:db8::10/128 not bound",
      "registry: no record of this resource on the host",
    ]);
  });
});

describe("the ARP values in force", () => {
  it("are shown for the session's and the default routes' NICs, and any other that leaks", () => {
    const host: HostSketch = {
      all: [1, 0],
      nics: { eth0: [0, 2], eth1: [1, 2], veth1: [0, 2], veth2: [0, 0], lowpan0: [0, 0, "noarp"] },
      observed: { defaultNics: ["eth1"] },
    };
    expect(reportOn(host).effectiveArp).toEqual({
      eth0: { ignore: 1, announce: 2 },
      eth1: { ignore: 1, announce: 2 },
      veth2: { ignore: 1, announce: 0 },
    });
  });

  it("are shown where there is no way back to the session that is known", () => {
    const observed = { sessionRoute: undefined, defaultNics: [] };
    expect(reportOn({ observed }).effectiveArp).toEqual({});
  });
});

describe("foreign VIPs", () => {
  it("are what is on lo and nobody declares; with its prefix where it is wider", () => {
    const { foreignVips } = reportOn({
      addresses: [
        BOUND,
        "lo 203.0.113.20/32 host lo:dr",
        "lo 198.51.100.1/32 global lo",
        "lo 198.51.100.64/26 global lo",
        "lo 2001:db8::99/128 global",
        "eth0 198.51.100.9/32 global eth0",
      ],
      owners: [{}, { owner: "web-2", incarnation: "0002", vips: ["203.0.113.20"] }],
    });
    expect(foreignVips).toEqual(["198.51.100.1", "198.51.100.64/26", "2001:db8::99"]);
  });
});

describe("stale VIPs", () => {
  const stale = [BOUND, "lo 198.51.100.1/32 global lo", "lo 2001:db8::99/128 global"];

  it("are no drift where they are only to be reported", () => {
    expect(reportOn({ addresses: stale }).drift).toEqual([]);
  });

  it("are drift, a line each, where they are to be withdrawn; and foreign all the same", () => {
    const { drift, foreignVips } = reportOn({ addresses: stale }, { staleVips: "withdraw" });
    expect(drift).toEqual([
      "lo: 198.51.100.1/32 bound and declared by nobody",
      "lo: 2001:db8::99/128 bound and declared by nobody",
    ]);
    expect(foreignVips).toEqual(["198.51.100.1", "2001:db8::99"]);
  });

  it("are no drift where they are excepted, and foreign all the same", () => {
    const except = [{ family: 4, address: "198.51.100.1" }] as const;
    const staleVips = { withdraw: true, except };
    const { drift, foreignVips } = reportOn({ addresses: stale }, { staleVips });
    expect(drift).toEqual(["lo: 2001:db8::99/128 bound and declared by nobody"]);
    expect(foreignVips).toEqual(["198.51.100.1", "2001:db8::99"]);
  });

  it("are named as what could be withdrawn, whatever is asked for", () => {
    const reports = [{}, { staleVips: "withdraw" } as const].map((changes) =>
      reportOn({ addresses: stale }, changes),
    );
    for (const { withdrawable } of reports)
      expect(withdrawable).toEqual(["198.51.100.1/32", "2001:db8::99/128"]);
  });
});

describe("the record", () => {
  const stateOf = (...owners: HostSketch["owners"] & object) =>
    recordState(claimOf({ incarnation: "0005" }), hostOf({ owners }).observed);

  it("is ours by its incarnation, under whatever name", () => {
    expect(stateOf({ incarnation: "0005" })).toBe("ours");
    expect(stateOf({ owner: "former-name", incarnation: "0005" })).toBe("ours");
    expect(stateOf({ owner: "former-name", incarnation: "0005" }, { incarnation: "0007" })).toBe(
      "ours",
    );
  });

  it("is newer or older when another create has written it, and missing when none has", () => {
    expect(stateOf({ incarnation: "0006" })).toBe("newer");
    expect(stateOf({ incarnation: "0004" })).toBe("older");
    expect(stateOf({ owner: "web-2", incarnation: "0006" })).toBe("missing");
    expect(stateOf()).toBe("missing");
  });
});
