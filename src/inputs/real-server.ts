import { checker } from "./check";
import { connectionField } from "./connection";
import type { Complaint, Inputs, Settled } from "./field";
import { policyInputs } from "./policy";
import { readyField } from "./ready";
import { storedReader } from "./stored";

/**
 * The inputs of a real server. A new one is an entry here, and a field of `RealServerArgs` and of the
 * class `RealServer`, which the type checker demands.
 */
export const realServerInputs = {
  connection: { ...connectionField, change: "reach" },
  vips: {
    kind: "list",
    of: "vip",
    what: "a list of IPv4 and IPv6 addresses",
    empty: "{} binds nothing; give at least one VIP, or remove the resource",
    required: true,
    change: "converge",
    sentence:
      "The VIPs to bind on `lo`, at least one; `/32` and `/128` may be written, nothing wider. Spelling " +
      "and order are never a diff.",
  },
  arp: {
    kind: "object",
    alsoWrong: arpComplaints,
    default: {},
    shown: true,
    change: "converge",
    sentence: "How the host is kept quiet about its VIPs.",
    fields: {
      ignore: {
        kind: "choice",
        values: [1, 2],
        because: whyNotIgnore,
        default: 1,
        shown: true,
        sentence:
          "`arp_ignore`. 1: answer ARP for addresses of the NIC asked. 2: in addition only to askers in " +
          "the same subnet.",
      },
      announce: {
        kind: "choice",
        values: [2],
        because: () => ", the only value that never announces a VIP",
        default: 2,
        shown: true,
        sentence:
          "`arp_announce`. 2: never name a VIP in the host's own ARP requests; no other value does that.",
      },
      interfaces: {
        kind: "list",
        of: "interface",
        all: true,
        what: `"all" or a list of interface names`,
        empty: `{} silences no NIC; name at least one, or write "all"`,
        default: "all",
        shown: true,
        sentence:
          '`"all"` writes `net.ipv4.conf.all`, which covers NICs to come; a list of NICs writes only ' +
          "these, for hosts whose container networks break under `all`.",
      },
      except: {
        kind: "list",
        of: "glob",
        what: "a list of globs over interface names",
        default: [],
        sentence:
          "With a list of interfaces: globs (`*`, `?`) of other NICs that are left out on purpose. A NIC " +
          "that would answer for a VIP and is neither listed nor excepted is refused.",
      },
    },
  },
  persist: {
    kind: "flag",
    default: true,
    shown: true,
    change: "converge",
    page: "how-to/reboot.md",
    sentence: "Bind the VIPs again at boot, before the network is up.",
  },
  drain: {
    kind: "object",
    defaultText: "none",
    change: "nothing",
    page: "how-to/drain.md",
    sentence: "Before a VIP is withdrawn, wait until no TCP connection uses it.",
    fields: {
      timeoutSeconds: {
        kind: "whole number",
        least: 1,
        most: 86_400,
        required: true,
        sentence: "How long to wait at most, in seconds. `timeouts` does not count it.",
      },
      onTimeout: {
        kind: "choice",
        values: ["withdraw", "fail"],
        default: "withdraw",
        shown: true,
        sentence:
          'What happens to connections that are left then: `"withdraw"` cuts them, with a warning; ' +
          '`"fail"` ends the operation with the host untouched.',
      },
    },
  },
  ready: {
    ...readyField,
    defaultText: "none",
    change: "nothing",
    page: "how-to/ready.md",
    sentence:
      "Before a change of the host counts, wait until the service answers on every VIP, asked from the host " +
      "itself. Where it does not, the host is rolled back.",
  },
  rips: {
    kind: "list",
    of: "rip",
    what: "a list of IPv4 and IPv6 addresses",
    defaultText: "none",
    change: "converge",
    sentence:
      "The RIPs that directors send to. A warning says where the host has one of them on no NIC, because " +
      "what is sent there does not come. A pool gives them to its members.",
  },
  staleVips: {
    kind: "object",
    words: ["report", "withdraw"],
    default: "report",
    change: "converge",
    page: "how-to/stale-vips.md",
    sentence:
      'Addresses on `lo` that no owner declares: `"report"` them in `foreignVips`, or `"withdraw"` them.',
    fields: {
      withdraw: {
        kind: "flag",
        required: true,
        sentence: 'Whether they are withdrawn: `true` is as `"withdraw"`, `false` as `"report"`.',
      },
      except: {
        kind: "list",
        of: "vip",
        what: "a list of IPv4 and IPv6 addresses",
        default: [],
        sentence: "Addresses that stay, because another program keeps them there.",
      },
    },
  },
  sysctlsOnDestroy: {
    kind: "choice",
    values: ["restore", "leave"],
    default: "restore",
    shown: true,
    change: "nothing",
    sentence:
      'What destroy does with the sysctls: `"restore"` the values found before the first VIP, or ' +
      '`"leave"` them.',
  },
  ...policyInputs,
} as const satisfies Inputs;

/** What a real server asks for, parsed, with all defaults applied. */
export type Settings = Settled<typeof realServerInputs>;

/** Checks the inputs of a real server; see {@link checker}. */
export const checkInputs = checker(realServerInputs);

/** Reads the stored inputs of a real server; see {@link storedReader}. */
export const parseSettings = storedReader(realServerInputs, "this real server");

/** Why other values leak or mute: effective values as the kernel tells them apart (arp_ignore). */
function whyNotIgnore(value: unknown): string {
  if (typeof value !== "number") return "";
  if (value === 3) return ": it is quiet about addresses of scope host only, not of scope global";
  if (value === 8) return ": it silences the host altogether, its own addresses too";
  return ": the host would answer ARP for its VIPs";
}

function arpComplaints(arp: Readonly<Record<string, unknown>>): Complaint[] {
  if (!Array.isArray(arp["except"]) || arp["except"].length === 0) return [];
  if (arp["interfaces"] !== undefined && arp["interfaces"] !== "all") return [];
  return [
    { path: ["except"], message: `goes with a list of interfaces only; "all" excepts no NIC` },
  ];
}
