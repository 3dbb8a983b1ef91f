import { connectionField } from "../../inputs/connection";
import {
  failureOf,
  kindOf,
  shown,
  unknownInput,
  type Failure,
  type Path,
} from "../../inputs/failure";
import { realServerInputs } from "../../inputs/real-server";
import { isRecord } from "../../inputs/values";
import { virtualServiceInputs } from "../../inputs/virtual-service";
import { isLater } from "../registration";
import { isGiven, isHost } from "./members";

/**
 * What is wrong with the structure of a pool's arguments: inputs that do not exist, and values of the wrong
 * kind. What each real server and each virtual service checks itself, a pool does not.
 */
export function structureFailures(args: unknown): Failure[] {
  if (!isRecord(args)) return [failureOf([], `${kindOf(args)} is not an object`)];
  const { connection, realServers, rollout, directors, services } = args;
  return [
    ...unknownIn(args, [], POOL),
    ...["vips", "retiring"].flatMap((name) => textsFailures(args[name], [name])),
    ...connectionFailures(connection, ["connection"]),
    ...hostsFailures(realServers, "realServers", MEMBER),
    ...(isGiven(realServers) ? [] : [failureOf(["realServers"], REQUIRED_MEMBERS)]),
    ...hostsFailures(directors, "directors", ["host", ...CONNECTION]),
    ...objectFailures(rollout, ["rollout"], ["batch"]),
    ...servicesFailures(services),
  ];
}

const CONNECTION = without(Object.keys(connectionField.fields), "host");
const REAL_SERVER = without(Object.keys(realServerInputs), "connection", "vips", "rips");
const OWN = ["vips", "retiring", "connection", "realServers", "rollout", "directors", "services"];
const POOL = [...OWN, ...without(REAL_SERVER, "owner")];
const MEMBER = ["host", "weight", "rip", "rip6", "connection", ...REAL_SERVER];
const SERVICE = without(
  Object.keys(virtualServiceInputs),
  ...["director", "vip", "fwmark", "family", "destinations", "owner"],
);
const REQUIRED_MEMBERS = "required: the members by their names, each a host or an object with host";

function without(names: readonly string[], ...others: readonly string[]): string[] {
  return names.filter((name) => !others.includes(name));
}

function unknownIn(value: object, path: Path, known: readonly string[]): Failure[] {
  return Object.keys(value)
    .filter((name) => !known.includes(name))
    .map((name) => unknownInput([...path, name], known));
}

function textsFailures(list: unknown, path: Path): Failure[] {
  if (!isGiven(list)) return [];
  if (!Array.isArray(list))
    return [failureOf(path, `${described(list)} is not a list of addresses that a preview knows`)];
  return list.flatMap((one: unknown, at) =>
    typeof one === "string"
      ? []
      : [failureOf([...path, at], `${described(one)} is not an address that a preview knows`)],
  );
}

/** An object that may come later, as a whole. A text in its place may be a key, and is not shown. */
function connectionFailures(value: unknown, path: Path): Failure[] {
  if (!isGiven(value) || isLater(value)) return [];
  if (!isRecord(value)) return [failureOf(path, `${kindOf(value)} is not an object`)];
  return unknownIn(value, path, CONNECTION);
}

/** Members, or directors: by their names, each a host or an object. */
function hostsFailures(hosts: unknown, input: string, known: readonly string[]): Failure[] {
  if (!isGiven(hosts)) return [];
  if (!isPlain(hosts))
    return [failureOf([input], `${described(hosts)} is not an object of hosts by their names`)];
  return Object.entries(hosts).flatMap(([name, host]) => {
    const path = [input, name];
    if (name === "") return [failureOf([input], "a name is empty")];
    if (isHost(host)) return [];
    if (!isRecord(host))
      return [failureOf(path, `${described(host)} is neither a host nor an object with host`)];
    return [
      ...unknownIn(host, path, known),
      ...(isGiven(host["host"])
        ? []
        : [failureOf([...path, "host"], "required: the host's name or address")]),
      ...(known === MEMBER ? connectionFailures(host["connection"], [...path, "connection"]) : []),
    ];
  });
}

/** Not a Map, a Set or what else has no names of its own; from whatever realm. */
function isPlain(value: unknown): value is Record<string, unknown> {
  if (!isRecord(value) || isLater(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function objectFailures(value: unknown, path: Path, known: readonly string[]): Failure[] {
  if (!isGiven(value)) return [];
  return isRecord(value) && !isLater(value)
    ? unknownIn(value, path, known)
    : [failureOf(path, `${described(value)} is not an object with ${known.join(", ")}`)];
}

function servicesFailures(services: unknown): Failure[] {
  if (!isGiven(services)) return [];
  if (!Array.isArray(services))
    return [failureOf(["services"], `${described(services)} is not a list of services`)];
  return services.flatMap((service: unknown, at) =>
    isGiven(service)
      ? objectFailures(service, ["services", at], SERVICE)
      : [failureOf(["services", at], "what is missing is not a service")],
  );
}

/** A value as a complaint quotes it; one that is not known yet cannot be. */
export function described(value: unknown): string {
  return isLater(value) ? "what comes later" : shown(value);
}
