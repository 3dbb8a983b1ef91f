import { checker } from "./check";
import { connectionField } from "./connection";
import type { Inputs, Settled } from "./field";
import { managerField } from "./manager";
import { policyInputs } from "./policy";
import { serviceComplaints } from "./service-complaints";
import { storedReader } from "./stored";

/** The inputs of a virtual service. */
export const virtualServiceInputs = {
  director: { ...connectionField, change: "reach" },
  vip: {
    kind: "address",
    of: "vip",
    defaultText: "required, unless `fwmark` is given",
    change: "converge",
    sentence: "The VIP that the service answers to. Another one replaces the service.",
  },
  port: {
    kind: "whole number",
    least: 1,
    most: 65_535,
    defaultText: "required with `vip`",
    change: "converge",
    sentence:
      "The port that the service answers to, and that its destinations have. Another one replaces the " +
      "service.",
  },
  protocol: {
    kind: "choice",
    values: ["tcp", "udp"],
    default: "tcp",
    change: "converge",
    sentence: "The protocol. Another one replaces the service.",
  },
  fwmark: {
    kind: "whole number",
    least: 1,
    most: 0x7fffffff,
    defaultText: "none",
    change: "converge",
    sentence:
      "Instead of a VIP and a port: the mark that a firewall rule of the director puts on packets. Another " +
      "one replaces the service.",
  },
  family: {
    kind: "choice",
    values: [4, 6],
    defaultText: "required with `fwmark`",
    change: "converge",
    sentence: "The IP version of a service by firewall mark. Another one replaces the service.",
  },
  scheduler: {
    kind: "line",
    what: "the name of a scheduler, as ipvsadm has it",
    problem: schedulerProblem,
    default: "wlc",
    shown: true,
    change: "converge",
    sentence: "How connections are shared out, as `ipvsadm -s` names it.",
  },
  schedulerFlags: {
    kind: "list",
    of: "flag",
    what: "a list of flags of the scheduler",
    default: [],
    change: "converge",
    sentence: "Flags of the scheduler, as `ipvsadm -b` names them: `sh-fallback`.",
  },
  persistence: {
    kind: "object",
    defaultText: "none",
    change: "converge",
    sentence: "A client stays with its destination.",
    fields: {
      timeoutSeconds: {
        kind: "whole number",
        least: 1,
        most: 2_678_400,
        required: true,
        sentence: "So long after its last connection, in seconds.",
      },
      netmask: {
        kind: "line",
        what: "a netmask for IPv4, or a prefix length for IPv6",
        defaultText: "each client for itself",
        sentence:
          "All clients in a network of this size stay with one destination: `255.255.255.0`; for IPv6 a " +
          'prefix length, `"64"`.',
      },
    },
  },
  destinations: {
    kind: "objects",
    key: "address",
    what: "a list of destinations",
    one: "an object with address, weight, upperThreshold, lowerThreshold",
    required: true,
    change: "converge",
    page: "how-to/director.md#the-order",
    sentence:
      "The real servers, by direct routing. Spelling and order are never a diff. Depend on them " +
      "(`dependsOn`), so that each joins once it has converged.",
    fields: {
      address: {
        kind: "address",
        of: "rip",
        required: true,
        sentence: "The real server's own address (RIP), of the service's IP version.",
      },
      weight: {
        kind: "whole number",
        least: 0,
        most: 65_535,
        default: 1,
        shown: true,
        sentence: "Its share of new connections; 0: none.",
      },
      upperThreshold: {
        kind: "whole number",
        least: 0,
        most: 0x7fffffff,
        default: 0,
        sentence: "From so many connections on it gets no new ones. 0: no limit.",
      },
      lowerThreshold: {
        kind: "whole number",
        least: 0,
        most: 0x7fffffff,
        default: 0,
        sentence: "Until it has fewer than so many again.",
      },
    },
  },
  drain: {
    kind: "object",
    defaultText: "none",
    change: "nothing",
    page: "how-to/director.md#drain",
    sentence:
      "Before a destination leaves, set its weight to 0 and wait until no TCP connection uses it.",
    fields: {
      timeoutSeconds: {
        kind: "whole number",
        least: 15,
        most: 86_400,
        required: true,
        sentence:
          "How long to wait at most, in seconds; a connection that was closed counts for 10. `timeouts` " +
          "does not count it.",
      },
      onTimeout: {
        kind: "choice",
        values: ["remove", "fail"],
        default: "remove",
        shown: true,
        sentence:
          'What happens to connections that are left then: `"remove"` cuts them, with a warning; ' +
          '`"fail"` puts the weight back and ends the operation.',
      },
    },
  },
  foreignDestinations: {
    kind: "choice",
    values: ["report", "remove"],
    default: "report",
    change: "converge",
    page: "how-to/director.md#what-is-there-already",
    sentence:
      'Destinations in the service that nobody declares: `"report"` them in `foreign`, or `"remove"` them.',
  },
  manager: { ...managerField, change: "converge" },
  persist: {
    kind: "flag",
    default: true,
    shown: true,
    change: "converge",
    page: "how-to/reboot.md",
    sentence: "Put the service back into the table at boot.",
  },
  allowEmpty: {
    kind: "flag",
    default: false,
    change: "nothing",
    sentence: "An update may leave the service without a destination that takes connections.",
  },
  ...policyInputs,
} as const satisfies Inputs;

/** What a virtual service asks for, parsed, with all defaults applied. */
export type ServiceSettings = Settled<typeof virtualServiceInputs>;

/** Checks the inputs of a virtual service; see {@link checker}. */
export const checkServiceInputs = checker(virtualServiceInputs, serviceComplaints);

/** Reads the stored inputs of a virtual service; see {@link storedReader}. */
export const parseServiceSettings = storedReader(virtualServiceInputs, "this virtual service");

function schedulerProblem(text: string): string | undefined {
  return /^[a-z0-9_]{1,15}$/.test(text) ? undefined : "is no name of a scheduler";
}
