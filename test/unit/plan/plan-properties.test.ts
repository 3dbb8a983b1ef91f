import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Vip } from "../../../src/domain/address";
import { asRecorded, goesBy, ownRecords, recordOf, type Desired } from "../../../src/plan/claim";
import type { Change } from "../../../src/plan/change";
import { plan, type Plan } from "../../../src/plan/plan";
import { idOf, type OwnerRecord } from "../../../src/observed/registry";
import { nameOf } from "../../../src/domain/sysctl";
import { NO_KIT } from "../boots";
import {
  applyAll,
  apply,
  claimOf,
  hostOf,
  inverse,
  leaks,
  tidy,
  type ClaimSketch,
  type Host,
  type HostSketch,
} from "../model";

const VIPS = ["203.0.113.10", "203.0.113.11", "203.0.113.12", "2001:db8::10", "2001:db8::11"];
/** What another program keeps on `lo`, some of it beside a VIP that somebody declares. */
const STRANGERS: Vip[] = [
  { family: 4, address: "198.51.100.5" },
  { family: 6, address: "2001:db8:1::5" },
  { family: 4, address: "203.0.113.11" },
];
const NICS = ["eth0", "eth0.100", "docker0", "kube-ipvs0"];
const OWNERS = ["web-1", "web-2", "web-3"];

const vips = fc.subarray(VIPS, { minLength: 1 });
const ignoreValue = fc.constantFrom(0, 0, 1, 1, 1, 2, 3, 4, 8);
const announceValue = fc.constantFrom(0, 0, 1, 2, 2, 2, 3);
const values = fc.tuple(ignoreValue, announceValue);

const binding = fc.oneof(
  ...VIPS.map((vip) =>
    vip.includes(":")
      ? fc.constantFrom(
          { at: `lo ${vip}/128 global`, preferredLft: "0" },
          { at: `lo ${vip}/128 global` },
        )
      : fc.constantFrom<{ at: string; validLft?: string }>(
          { at: `lo ${vip}/32 host lo:dr` },
          { at: `lo ${vip}/32 host lo:dr` },
          { at: `lo ${vip}/32 global lo` },
          { at: `lo ${vip}/32 global lo:two words`, validLft: "100" },
        ),
  ),
  fc.constantFrom(
    { at: "lo 198.51.100.5/32 global lo" },
    { at: "lo 2001:db8:1::5/128 global" },
    // The address of our own session, on lo as a routing daemon has it.
    { at: "lo 10.0.0.11/32 global lo" },
    { at: "lo 198.51.100.64/26 global lo" },
    { at: "kube-ipvs0 10.96.0.1/32 global kube-ipvs0" },
    { at: "docker0 172.17.0.1/16 global docker0" },
  ),
);

const route = fc.oneof(
  ...VIPS.map((vip) =>
    fc.constantFrom(
      `${vip.includes(":") ? "2001:db8:7::/64" : "192.0.2.0/24"} via 10.0.0.254 dev eth0 src ${vip}`,
      `${vip} dev lo scope link`,
    ),
  ),
);

const interfaces = fc.oneof(
  { weight: 2, arbitrary: fc.constant("all" as const) },
  { weight: 1, arbitrary: fc.subarray(NICS.slice(0, 3), { minLength: 1 }) },
);
const except = fc.subarray(["docker*", "eth0.*"]);
const arp = fc.record({ ignore: fc.constantFrom(1, 2), interfaces, except });

/** Whatever somebody left there. A host of OpenRC has another unit, which the model does not know. */
const BOOTS = ["none", "current", "older", "changed", "newer", "disabled", "failed"] as const;

const ownerName = fc.constantFrom(...OWNERS);
const incarnation = fc.constantFrom("0001", "0002", "0003");

const claim: fc.Arbitrary<ClaimSketch> = fc.record({
  owner: ownerName,
  incarnation,
  vips,
  arp: arp,
  saved: fc.subarray(["all arp_ignore 0 1", "all arp_announce 0 2", "eth0 arp_ignore 0 1"]),
  staleVips: fc.oneof(
    fc.constantFrom("report", "report", "withdraw"),
    fc.record({ withdraw: fc.constantFrom(true, true, false), except: fc.subarray(STRANGERS) }),
  ),
  persist: fc.boolean(),
});

// Whatever was there before, what we wrote is one of the values that claims have.
const saved = fc
  .uniqueArray(
    fc.tuple(fc.constantFrom("all", ...NICS), fc.boolean(), values, fc.constantFrom(1, 2)),
    { selector: ([nic, ignore]) => `${nic} ${ignore}`, maxLength: 4 },
  )
  .map((all) =>
    all.map(([nic, ignore, value, written]) =>
      ignore ? `${nic} arp_ignore ${value[0]} ${written}` : `${nic} arp_announce ${value[1]} 2`,
    ),
  );

const host: fc.Arbitrary<Host> = fc
  .record({
    addresses: fc.uniqueArray(binding, { selector: ({ at }) => at.split(" ")[1] }),
    routes: fc.uniqueArray(route, { maxLength: 2 }),
    observed: fc.record({ ip: fc.constantFrom("iproute2" as const, "busybox" as const) }),
    all: values,
    eth0: values,
    vlan: values,
    docker0: values,
    portless: fc.boolean(),
    owners: fc.uniqueArray(claim, { selector: (one) => one.owner }),
    saved,
    registry: fc.boolean(),
    boot: fc.constantFrom(...BOOTS),
    later: fc.record({ owners: fc.constantFrom(0, 0, 1, 2), saved: fc.constantFrom(0, 0, 0, 2) }),
  })
  .map(({ eth0, vlan, docker0, portless, owners, registry, later, ...rest }) => {
    const records = owners.map((one, at) => ({
      ...recordOf(claimOf(one), "2026-07-01T10:00:00.000Z"),
      unknown: linesOfLater(later.owners, `of the owner ${at}`),
    }));
    const distinct = records.filter(
      (one, at) => records.findIndex((two) => two.incarnation === one.incarnation) === at,
    );
    const bound = rest.addresses.map(({ at }) => at.replace(/^\S+ (\S+)\/.*$/, "$1"));
    const sketch: HostSketch = {
      ...rest,
      // The kernel takes no route from an address that the host has not.
      routes: rest.routes.filter(
        (one) => !one.includes(" src ") || bound.some((address) => one.endsWith(` src ${address}`)),
      ),
      nics: {
        eth0,
        "eth0.100": vlan,
        docker0: portless ? [...docker0, "portless"] : docker0,
        "kube-ipvs0": [0, 0, "noarp"],
      },
      ...(registry
        ? { owners: distinct, unknownSaved: linesOfLater(later.saved, "saved") }
        : { saved: [] }),
    };
    return hostOf(sketch);
  });

/** Lines that no version of today knows, each only once on a host. */
function linesOfLater(count: number, text: string): string[] {
  return Array.from({ length: count }, (_, at) => `x-later ${text}, ${at}`);
}

const NOW = "2026-07-02T10:00:00.000Z";
const desired: fc.Arbitrary<Desired> = fc.oneof(
  claim.map((one): Desired => ({ kind: "serve", claim: claimOf(one), now: NOW })),
  fc
    .tuple(claim, fc.constantFrom("restore" as const, "leave" as const))
    .map(([one, sysctls]): Desired => ({
      kind: "withdraw",
      claim: claimOf(one),
      now: NOW,
      sysctls,
    })),
);

/** Any desired and any host of which the plan is not refused. */
function onAnyHost(
  check: (wanted: Desired, before: Host, needed: Plan) => void,
  numRuns = 1000,
): void {
  fc.assert(
    fc.property(desired, host, (wanted, before) => {
      const needed = plan(wanted, before.observed);
      fc.pre(needed.refusals.length === 0);
      check(wanted, before, needed);
    }),
    { numRuns },
  );
}

describe("a plan, on any host", () => {
  it("makes a host on which nothing is left to do, and nothing is refused", () => {
    onAnyHost((wanted, before, needed) => {
      const after = tidy(applyAll(needed.changes, before).at(-1) ?? before);
      const claim =
        wanted.kind === "serve" ? wanted.claim : asRecorded(wanted.claim, before.observed);
      const left = plan({ ...wanted, claim }, after.observed);
      expect({ changes: left.changes, refusals: left.refusals }).toEqual({
        changes: [],
        refusals: [],
      });
    });
  });

  it("never makes a NIC answer for a claimed VIP where it did not before it began", () => {
    onAnyHost((wanted, before, needed) => {
      const owners = claimants(wanted, before);
      const leaked = new Set(leaks(owners, before));
      for (const step of applyAll(needed.changes, before)) {
        expect(leaks(owners, step).filter((one) => !leaked.has(one))).toEqual([]);
      }
    });
  });

  it("has each VIP quiet from the moment it is bound, and all of them in the end", () => {
    onAnyHost((wanted, before, needed) => {
      if (wanted.kind === "withdraw") return;
      const mine = recordOf(wanted.claim, NOW);
      const hosts = applyAll(needed.changes, before);
      for (const [at, change] of needed.changes.entries()) {
        if (change.kind === "bind") expect(leaks([mine], hosts[at + 1] ?? before)).toEqual([]);
      }
      expect(leaks([mine], hosts.at(-1) ?? before)).toEqual([]);
    });
  });

  it("has every VIP bound as asked for, or those that nobody claims gone", () => {
    onAnyHost((wanted, before, needed) => {
      const after = applyAll(needed.changes, before).at(-1) ?? before;
      const bound = onLo(after).map((one) => one.address);
      const { owners, former } = shares(wanted, before);
      const declared = wanted.kind === "serve" ? wanted.claim.vips.map((vip) => vip.address) : [];
      for (const vip of declared) expect(bound).toContain(vip);
      for (const vip of former) {
        if (!owners.has(vip) && !declared.includes(vip)) expect(bound).not.toContain(vip);
      }
    });
  });

  it("takes away no address but our own and, asked to, stale ones; and none that is claimed", () => {
    onAnyHost((wanted, before, needed) => {
      const { owners, former } = shares(wanted, before);
      const after = applyAll(needed.changes, before).at(-1) ?? before;
      const left = new Set(after.observed.addresses.map((one) => `${one.interface} ${one.prefix}`));
      const gone = before.observed.addresses.filter(
        (one) => !left.has(`${one.interface} ${one.prefix}`),
      );
      const declared = new Set(wanted.claim.vips.map((vip) => vip.address));
      const policy = wanted.kind === "serve" ? wanted.claim.staleVips : "report";
      for (const one of gone) {
        expect(one.interface).toBe("lo");
        expect(one.prefixLength).toBe(one.family === 4 ? 32 : 128);
        expect(owners.has(one.address)).toBe(false);
        if (former.includes(one.address)) {
          expect(needed.unclaimed).toContain(one.address);
          continue;
        }
        const asked = goesBy(policy, one.address);
        expect({ asked, declared: declared.has(one.address) }).toEqual({
          asked: true,
          declared: false,
        });
        expect(["127.0.0.1", "::1", "10.0.0.11", "10.0.0.1"]).not.toContain(one.address);
        expect(needed.stale).toContain(one.prefix);
      }
      expect([...needed.leaving].sort()).toEqual(gone.map((one) => one.address).sort());
    });
  });

  it("leaves nothing stale behind where it is asked to, and what is no VIP", () => {
    onAnyHost((wanted, before, needed) => {
      if (wanted.kind === "withdraw") return;
      const policy = wanted.claim.staleVips;
      if (policy === "report" || (typeof policy === "object" && !policy.withdraw)) return;
      const { owners } = shares(wanted, before);
      const declared = wanted.claim.vips.map((vip) => vip.address);
      const after = applyAll(needed.changes, before).at(-1) ?? before;
      const left = after.observed.addresses.filter(
        (one) =>
          one.interface === "lo" && !owners.has(one.address) && !declared.includes(one.address),
      );
      const own = ["127.0.0.1/8", "::1/128", "10.0.0.11/32", "198.51.100.64/26"];
      const except = typeof policy === "object" ? policy.except.map((vip) => vip.address) : [];
      expect(
        left.filter((one) => !own.includes(one.prefix) && !except.includes(one.address)),
      ).toEqual([]);
    });
  });

  it("takes away no stale address that is excepted, unless it is one of its own", () => {
    onAnyHost((wanted, before, needed) => {
      if (wanted.kind === "withdraw" || typeof wanted.claim.staleVips !== "object") return;
      const { former } = shares(wanted, before);
      const excepted = wanted.claim.staleVips.except.map((vip) => vip.address);
      const kept = excepted.filter((address) => !former.includes(address));
      for (const address of kept) expect(needed.leaving).not.toContain(address);
    });
  });

  it("does not touch a VIP that is bound as it should be, nor one that another owner holds", () => {
    onAnyHost((wanted, before, needed) => {
      const touched = needed.changes.flatMap((one) =>
        one.kind === "bind" || one.kind === "unbind" ? [one.prefix] : [],
      );
      const declared = wanted.claim.vips.map((vip) => vip.address);
      const { owners } = shares(wanted, before);
      for (const one of onLo(before)) {
        const held =
          one.family === 4 &&
          before.observed.ip === "busybox" &&
          before.observed.routes.some((route) => route.source === one.address);
        const right = held || (one.family === 4 ? one.label === "lo:dr" : one.preferredLft === "0");
        const stays = wanted.kind === "serve" && declared.includes(one.address) && right;
        const theirs = owners.has(one.address) && !declared.includes(one.address);
        if (stays || theirs) expect(touched).not.toContain(one.prefix);
      }
      expect(new Set(touched).size * 2).toBeGreaterThanOrEqual(touched.length);
    });
  });

  it("takes no address away that a route has as its source, not even for a moment", () => {
    onAnyHost((_, before, needed) => {
      const sources = new Set(before.observed.routes.map((route) => route.source));
      for (const change of needed.changes) {
        if (change.kind !== "unbind" || change.inPlace) continue;
        expect(sources).not.toContain(change.prefix.split("/")[0]);
      }
    });
  });

  it("writes no sysctl but a claimed one and one of which it knows the value before", () => {
    onAnyHost((wanted, before, needed) => {
      const { observed } = before;
      const mine = wanted.kind === "serve" ? recordOf(wanted.claim, NOW).claims : [];
      const theirs = [...(observed.registry?.owners.values() ?? [])].flatMap((one) => one.claims);
      const claimed = new Set([...mine, ...theirs].map(nameOf));
      const known = [...(observed.registry?.saved.sysctls ?? []), ...wanted.claim.saved];
      for (const one of needed.changes) {
        if (one.kind !== "write-sysctl" || claimed.has(nameOf(one))) continue;
        expect(known).toContainEqual({
          interface: one.interface,
          key: one.key,
          value: one.to,
          written: one.from,
        });
      }
    });
  });

  it("leaves no record and no saved value of ours behind a withdrawal that says nothing stays", () => {
    onAnyHost((wanted, before, needed) => {
      if (wanted.kind !== "withdraw") return;
      const after = tidy(applyAll(needed.changes, before).at(-1) ?? before);
      expect(ownRecords(wanted.claim, after.observed).size).toBe(0);
      const others = shares(wanted, before).records;
      if (others.length === 0 && needed.notes.length === 0) expect(after.files.size).toBe(0);
    });
  });

  it("has the host bind again at boot exactly while an owner asks for it", () => {
    onAnyHost((wanted, before, needed) => {
      const after = applyAll(needed.changes, before).at(-1) ?? before;
      const owners = [...(after.observed.registry?.owners.values() ?? [])];
      const { boot } = after.observed;
      const whole = boot.enabled && boot.unit !== undefined && boot.replay !== undefined;
      if (wanted.kind === "serve" && wanted.claim.persist) expect(whole).toBe(true);
      if (owners.some((one) => one.persist)) return;
      expect({ ...boot, failure: undefined, init: "" }).toEqual({ ...NO_KIT, init: "" });
    });
  });

  it("undone in reverse order, from any step, gives back the host, and stays as quiet", () => {
    onAnyHost((wanted, before, needed) => {
      const hosts = applyAll(needed.changes, before);
      const owners = claimants(wanted, before);
      const leaked = new Set(leaks(owners, before));
      const undo = needed.changes.map((one, at) => inverse(one, hosts[at] ?? before));
      for (const [steps, reached] of hosts.entries()) {
        let back = reached;
        for (const one of undo.slice(0, steps).reverse()) {
          if (one === undefined) continue;
          back = apply(one, back);
          expect(leaks(owners, back).filter((leak) => !leaked.has(leak))).toEqual([]);
        }
        expect(comparable(back)).toEqual(comparable(before));
      }
    });
  });

  it("carries lines of a later version along, through any operations, as long as their owner is there", () => {
    fc.assert(
      fc.property(fc.array(desired, { minLength: 1, maxLength: 6 }), host, (all, before) => {
        let now = before;
        const { owners, saved } = laterLines(before);
        for (const wanted of all) {
          const claim =
            wanted.kind === "serve" ? wanted.claim : asRecorded(wanted.claim, now.observed);
          const needed = plan({ ...wanted, claim }, now.observed);
          if (needed.refusals.length > 0) continue;
          const mine = [...ownRecords(claim, now.observed).keys()];
          const lines = mine.flatMap((id) => owners.get(id) ?? []).sort();
          for (const id of mine) owners.delete(id);
          if (wanted.kind === "serve") owners.set(idOf(claim.owner), lines);
          now = tidy(applyAll(needed.changes, now).at(-1) ?? now);
          expect(laterLines(now)).toEqual({ owners, saved });
        }
      }),
      { numRuns: 500 },
    );
  });

  it("is the same with lines of a later version as without them, but for those lines", () => {
    onAnyHost((wanted, before, needed) => {
      const without = plan(wanted, withoutLaterLines(before).observed);
      expect(needed.changes.flatMap(withoutLater)).toEqual(without.changes.flatMap(withoutLater));
    });
  });

  it("depends on nothing but what it is given: twice the same", () => {
    onAnyHost((wanted, before, needed) => {
      expect(plan(wanted, before.observed)).toEqual(needed);
    }, 300);
  });
});

/**
 * Whose VIPs must stay silent on which NICs. One that we declare is judged by our own claim, and one
 * that we leave to others by theirs.
 */
function claimants(wanted: Desired, before: Host): OwnerRecord[] {
  const { records: others, owners } = shares(wanted, before);
  if (wanted.kind === "serve") {
    const mine = recordOf(wanted.claim, NOW);
    return [mine, ...others.map((record) => without(new Set(mine.vips), record))];
  }
  const mine = [...ownRecords(wanted.claim, before.observed).values()];
  return [...others, ...mine.map((record) => without(owners, record))];
}

function without(vips: ReadonlySet<string>, record: OwnerRecord): OwnerRecord {
  return { ...record, vips: record.vips.filter((vip) => !vips.has(vip)) };
}

interface Shares {
  /** The other owners' records, and the VIPs that they claim. */
  readonly records: readonly OwnerRecord[];
  readonly owners: ReadonlySet<string>;
  /** What we had: by our record, or without one by our state. */
  readonly former: readonly string[];
}

function shares({ claim }: Desired, before: Host): Shares {
  const mine = ownRecords(claim, before.observed);
  const records = [...(before.observed.registry?.owners ?? [])]
    .filter(([id]) => !mine.has(id))
    .map(([, record]) => record);
  const recorded = [...mine.values()].flatMap((record) => record.vips);
  const former = mine.size > 0 ? recorded : claim.vips.map((vip) => vip.address);
  return { records, owners: new Set(records.flatMap((record) => record.vips)), former };
}

/** Sorted, by owner: two records that become one have an order of their own. */
function laterLines({ observed: { registry } }: Host) {
  const records = [...(registry?.owners ?? [])];
  return {
    owners: new Map(records.map(([id, record]) => [id, [...record.unknown].sort()])),
    saved: registry?.saved.unknown ?? [],
  };
}

function withoutLaterLines(before: Host): Host {
  const { registry } = before.observed;
  if (registry === undefined) return before;
  const owners = new Map(
    [...registry.owners].map(([id, record]) => [id, { ...record, unknown: [] }]),
  );
  const saved = { ...registry.saved, unknown: [] };
  return { ...before, observed: { ...before.observed, registry: { ...registry, owners, saved } } };
}

/** With them `saved` is still there when the last value has gone back. */
function withoutLater(change: Change): Change[] {
  if (change.kind === "drop" && change.file === "saved")
    return [{ kind: "put", file: "saved", lines: ["lvs-dr-saved 1", "end"] }];
  if (change.kind !== "put") return [change];
  return [{ ...change, lines: change.lines.filter((line) => !line.startsWith("x-later ")) }];
}

function onLo({ observed }: Host) {
  return observed.addresses.filter(
    (one) => one.interface === "lo" && VIPS.some((vip) => vip === one.address),
  );
}

function comparable({ observed, files }: Host) {
  const addresses = [...observed.addresses].sort((a, b) =>
    `${a.interface} ${a.prefix}`.localeCompare(`${b.interface} ${b.prefix}`),
  );
  return { ...observed, registry: undefined, boot: undefined, addresses, files: [...files].sort() };
}
