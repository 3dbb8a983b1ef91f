import { describe, expect, it } from "vitest";

import { KIT_PATHS } from "./kit";
import { allowed, type Allowed } from "./allowed";
import { MEDDLING } from "./others";
import type { DISK_FAULTS, Fault, HostState, Meddling, Scenario, SHELL_ENDS } from "./scenario";

const HOST: HostState = {
  ...{ sysctls: [], byHand: [], owners: [], kit: "whole", journal: "none" },
  ...{ routes: [], files: [], litter: false, slow: false },
};
const SERVING = { vips: ["203.0.113.1"], ignore: 1, interfaces: "all", persist: true } as const;
const SCENARIO: Scenario = {
  ...{
    through: "provider",
    flavour: { shell: "dash", ip: "iproute2" },
    login: "root",
    forgets: false,
  },
  ...{ host: HOST, served: SERVING, drift: [], verb: "update", desired: SERVING },
  ...{ carriesKit: false, fault: { kind: "none" }, finish: "up" },
};
const PLACE = { direction: "up", part: "turns", at: 0.5, delay: 0 } as const;

const RESET = MEDDLING.resetsSysctl("all arp_ignore", 0);
const ADDED = MEDDLING.addsAddress("203.0.113.9/32");
const DELETED = MEDDLING.deletesVip("2001:db8::1");
const LOCAL = { kind: "that is local", vip: "203.0.113.9" } as const;
const ROUTED = MEDDLING.addsRoute(LOCAL);

const BINDING = { path: "/etc/rc.local", vip: "203.0.113.9" };

const under = (fault: Fault): Partial<Scenario> => ({ fault });
const cut = under({ kind: "connection", cut: "reset", place: PLACE, thenRefuse: true });
const client = under({ kind: "client", how: "killed", place: PLACE });
const shell = (how: keyof typeof SHELL_ENDS) => under({ kind: "shell", how, place: PLACE });
const ip = under({ kind: "ip", call: 5, how: "is killed" });
const proc = under({ kind: "proc", key: "all arp_ignore", place: undefined });
const disk = (how: keyof typeof DISK_FAULTS) => under({ kind: "disk", how, room: 3 });
const registry = under({ kind: "registry", file: 0, how: "garbled", at: 0.5 });
const by = (does: Meddling) => under({ kind: "somebody", does, place: PLACE });
const on = (host: Partial<HostState>): Partial<Scenario> => ({ host: { ...HOST, ...host } });
const byHand = (prefix: string) => on({ byHand: [{ prefix, words: "" }] });
const others = on({ owners: [{ owner: "other", vips: [], ignore: 1, persist: false }] });

/** The names of all that a run may leave otherwise than promised. */
function namesOf({ frames, either, ...rest }: Allowed): string[] {
  const named = (fields: object) =>
    Object.entries(fields).flatMap(([name, why]) => (why === undefined ? [] : [name]));
  return [...named(frames), ...either.keys(), ...named(rest)];
}

describe("what may be otherwise after a run", () => {
  it.each<[string, Partial<Scenario>, string[]]>([
    ["nothing where nobody else has a hand in it", {}, []],
    ["nothing when the connection is cut", cut, []],
    ["nothing when the client is killed", client, []],
    ["nothing when the shell is killed", shell("KILL"), []],
    ["nothing when the watchdog is killed", shell("its watchdog killed"), []],
    ["nothing when ip fails", ip, []],
    ["nothing for a damaged registry", registry, []],
    [
      "the unit, where none can be changed",
      disk("read-only for units"),
      [`boot ${KIT_PATHS.unit}`, `boot ${KIT_PATHS.link}`],
    ],
    ["nothing for an ip that dawdles", on({ slow: true }), []],
    ["the folder, where somebody's litter is in it", on({ litter: true }), ["folder"]],
    ["the folder, made by who holds the lock", under({ kind: "lock", seconds: 1 }), ["folder"]],
    ["a shell that was stopped may wait", shell("STOP"), ["stopped"]],
    [
      "an empty folder, where a shell was killed before its watchdog was there",
      under({ kind: "shell", how: "KILL", place: { ...PLACE, part: "connecting" } }),
      ["folder"],
    ],
    ["a journal, where nobody can undo", shell("killed with its watchdog"), ["journal"]],
    ["a journal, where a sysctl cannot be written", proc, ["journal"]],
    ["a journal, where the disk is full", disk("full"), ["journal"]],
    ["a journal, where the disk is read-only", disk("read-only"), ["journal"]],
    [
      "a value that somebody reset before a journal was left: its undo may keep it strict",
      { ...on({ journal: "of this boot" }), drift: [RESET] },
      [
        ...["drift", "sysctl eth0 arp_ignore", "sysctl eth0 arp_announce"],
        ...["sysctl all arp_ignore", "strict", "journal", "changed"],
      ],
    ],
    ["a journal that was there", on({ journal: "of another boot" }), ["journal", "changed"]],
    ["the end, where others serve on the host", others, ["changed"]],
    ["an address bound by hand", byHand("203.0.113.40/32"), ["atFirst", "strict", "changed"]],
    ["no frames for one of IPv6", byHand("2001:db8::40/128"), ["strict", "changed"]],
    ["a sysctl reset before", { drift: [RESET] }, ["drift", "strict", "changed"]],
    ["an address added before", { drift: [ADDED] }, ["drift", "changed"]],
    ["a VIP deleted before", { drift: [DELETED] }, ["changed"]],
    [
      "a sysctl reset meanwhile",
      by(RESET),
      ["meanwhile", "sysctl all arp_ignore", "strict", "changed"],
    ],
    ["an address added meanwhile", by(ADDED), ["meanwhile", "lo 203.0.113.9/32", "changed"]],
    [
      "a local route added meanwhile",
      by(ROUTED),
      ["meanwhile", "route4 local 203.0.113.9", "changed"],
    ],
    ["a local route", on({ routes: [LOCAL] }), ["atFirst", "changed"]],
    ["no frames for any other", on({ routes: [{ ...LOCAL, kind: "to a VIP" }] }), ["changed"]],
    ["nothing for a file that binds a VIP", on({ files: [BINDING] }), []],
    ["nothing when sshd is full", under({ kind: "sshd", how: "is full", seconds: 1 }), []],
    ["nothing when NICs come and go", under({ kind: "NICs come and go" }), []],
    ["a VIP deleted meanwhile", by(DELETED), [...DELETED.changes, "changed"]],
    ["a NIC added meanwhile", by(MEDDLING.addsNic()), ["changed"]],
    [
      "a NIC added where somebody has reset a sysctl",
      { drift: [RESET], ...by(MEDDLING.addsNic()) },
      ["drift", "meanwhile", "strict", "changed"],
    ],
    [
      "a NIC added where an address is bound by hand",
      { ...byHand("203.0.113.40/32"), ...by(MEDDLING.addsNic()) },
      ["atFirst", "meanwhile", "strict", "changed"],
    ],
    ["a boot kit left before", { drift: [MEDDLING.leavesKit("older")] }, ["changed"]],
  ])("%s", (_, change, names) => {
    expect(namesOf(allowed({ ...SCENARIO, ...change }))).toEqual(names);
  });
});
