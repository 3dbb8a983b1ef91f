import { parseRip, parseVip, type Family } from "../domain/address";
import { prefixLengthOfMask } from "../domain/virtual-service";
import type { Complaint } from "./field";
import { isRecord, UNKNOWN } from "./values";

type Given = Readonly<Record<string, unknown>>;

/** What is wrong with the inputs of a virtual service beside each other. What is not known yet passes. */
export function serviceComplaints(given: Given): Complaint[] {
  const family = familyIn(given);
  return [
    ...targetComplaints(given),
    ...(family === undefined ? [] : familyComplaints(given, family)),
    ...thresholdComplaints(given),
    ...managerComplaints(given),
  ];
}

/** A VIP and a port, or a mark and a family. */
function targetComplaints(given: Given): Complaint[] {
  const has = (name: string) => given[name] !== undefined;
  const [way, other] = has("fwmark")
    ? [
        ["fwmark", "family"],
        ["vip", "port", "protocol"],
      ]
    : [["vip", "port"], ["family"]];
  return [
    ...way
      .filter((name) => !has(name))
      .map((name) => ({ path: [name], message: `required: ${REQUIRED}` })),
    ...other
      .filter(has)
      .map((name) => ({ path: [name], message: `{} does not go with it: ${REQUIRED}` })),
  ];
}

const REQUIRED = "a service answers to vip and port, or to fwmark and family";

/** What is known of it: undefined where a value is bad, or only the update will know it. */
function familyIn({ vip, family, fwmark }: Given): Family | undefined {
  if (fwmark !== undefined) return family === 4 || family === 6 ? family : undefined;
  const parsed = typeof vip === "string" ? parseVip(vip) : undefined;
  return parsed !== undefined && "vip" in parsed ? parsed.vip.family : undefined;
}

function familyComplaints({ destinations, persistence }: Given, family: Family): Complaint[] {
  const addresses = (Array.isArray(destinations) ? destinations : []).map((one: unknown) =>
    isRecord(one) && typeof one["address"] === "string" ? parseRip(one["address"]) : undefined,
  );
  const others = addresses.flatMap((one, index): Complaint[] =>
    one === undefined || "reason" in one || one.rip.family === family
      ? []
      : [
          {
            path: ["destinations", index, "address"],
            message: `{} is not an IPv${family} address, as the service is: direct routing does not mix them`,
          },
        ],
  );
  const mask = isRecord(persistence) ? persistence["netmask"] : undefined;
  const isBad =
    typeof mask === "string" && mask !== UNKNOWN && prefixLengthOfMask(mask, family) === undefined;
  const kind = family === 4 ? "a netmask, such as 255.255.255.0" : "a prefix length, such as 64";
  const wrong = { path: ["persistence", "netmask"], message: `{} is not ${kind}` };
  return [...others, ...(isBad ? [wrong] : [])];
}

/** The kernel refuses it (ip_vs_ctl.c, ip_vs_add_dest). */
function thresholdComplaints({ destinations }: Given): Complaint[] {
  return (Array.isArray(destinations) ? destinations : []).flatMap((one: unknown, index) => {
    const { upperThreshold = 0, lowerThreshold = 0 } = isRecord(one) ? one : {};
    if (typeof upperThreshold !== "number" || typeof lowerThreshold !== "number") return [];
    if (lowerThreshold <= upperThreshold) return [];
    const path = ["destinations", index, "lowerThreshold"];
    return [{ path, message: `{} is above upperThreshold, ${upperThreshold}` }];
  });
}

/** Its file is what keepalived has at boot; and only TCP takes a connection. */
function managerComplaints({ manager, persist, protocol, fwmark }: Given): Complaint[] {
  if (!isRecord(manager) || !isRecord(manager["keepalived"])) return [];
  const { check } = manager["keepalived"];
  const given = isRecord(check) ? check : {};
  const path = ["manager", "keepalived", "check"];
  const unasked = Object.keys(given).flatMap((kind): Complaint[] => {
    const hasPort = isRecord(given[kind]) && given[kind]["port"] !== undefined;
    if ((fwmark === undefined && protocol !== "udp") || hasPort) return [];
    const why = fwmark === undefined ? "UDP takes no connections" : "a firewall mark has no port";
    return [{ path: [...path, kind, "port"], message: `required: ${why}` }];
  });
  const kept = "{} does not go with manager: keepalived reads the service's file at boot";
  return [...unasked, ...(persist === false ? [{ path: ["persist"], message: kept }] : [])];
}
