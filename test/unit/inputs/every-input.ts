import { generateKeyPairSync } from "node:crypto";
import type { Field, Fields } from "../../../src/inputs/field";

/** A place in the inputs: names, the outermost first. */
export type Place = readonly string[];

/** Every input of a table at any depth, objects themselves too. */
export function placesIn(fields: Fields, within: Place = []): { place: Place; field: Field }[] {
  return Object.entries(fields).flatMap(([name, field]) => {
    const place = [...within, name];
    const below = field.kind === "object" ? placesIn(field.fields, place) : [];
    return [{ place, field }, ...below];
  });
}

const hop = {
  ...{ host: "bastion.example", port: 2222, user: "jump", password: "p", hostKey: hostKey() },
  ...{ privateKey: privateKey(), privateKeyPassword: "s", privateKeyFile: "/k" },
  ...{ agentSocketPath: "/a", knownHostsFile: "/h", dialErrorLimit: 3, perDialTimeout: 7 },
};

/** Inputs that name everything there is but what goes with `ssh`, each unlike its default where another value is allowed. */
export const everyInput: Readonly<Record<string, unknown>> = {
  ...{ connection: { ...hop, sudo: true, sudoPassword: "q", proxy: hop }, vips: ["10.0.0.1"] },
  rips: ["10.0.0.2"],
  arp: { ignore: 2, announce: 2, interfaces: ["eth0"], except: ["veth*"] },
  persist: false,
  drain: { timeoutSeconds: 30, onTimeout: "fail" },
  ready: {
    ...{ port: 8443, timeoutSeconds: 45 },
    http: { path: "/healthz", status: 204, host: "shop.example:8443", https: true },
  },
  staleVips: { withdraw: true, except: ["10.0.0.9"] },
  ...{ sysctlsOnDestroy: "leave", unreachableOnDestroy: "forget", unreachableOnRefresh: "keep" },
  timeouts: { connectSeconds: 5, operationSeconds: 6 },
  owner: "o",
};

/** The same, with `ssh` and what goes with it. */
export const everyInputBySsh: Readonly<Record<string, unknown>> = {
  ...everyInput,
  connection: {
    ...{ host: "web-1", port: 2222, user: "jump", privateKeyFile: "/k", hostKey: hostKey() },
    ...{ agentSocketPath: "/a", knownHostsFile: "/h", dialErrorLimit: 3, perDialTimeout: 7 },
    ...{ sudo: true, sudoPassword: "q" },
    ssh: { configFile: "/c", options: ["HostKeyAlias=web", "Compression=yes"], command: "/ssh" },
  },
};

/** What docs say of an input's default: `required`, or nothing where none needs to be said. */
export function defaultOf(field: Field): string | undefined {
  if (field.defaultText !== undefined) return field.defaultText;
  if (field.required) return "required";
  if (field.default === undefined) return undefined;
  return Array.isArray(field.default) ? "none" : `\`${JSON.stringify(field.default)}\``;
}

/** What stands at a place; undefined where nothing does. */
export function valueIn(inputs: unknown, place: Place): unknown {
  return place.reduce<unknown>((holder, name) => {
    return typeof holder === "object" && holder !== null
      ? (holder as Record<string, unknown>)[name]
      : undefined;
  }, inputs);
}

/** The inputs with another value at a place, whose holder is there; undefined takes it away. */
export function withValue(inputs: object, place: Place, value: unknown): Record<string, unknown> {
  const [name = "", ...rest] = place;
  const { [name]: old, ...others } = inputs as Record<string, unknown>;
  const changed = rest.length === 0 ? value : withValue(old as object, rest, value);
  return changed === undefined ? others : { ...others, [name]: changed };
}

function privateKey(): string {
  const { privateKey } = generateKeyPairSync("ed25519");
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

function hostKey(): string {
  const { publicKey } = generateKeyPairSync("ed25519");
  const key = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");
  const type = "ssh-ed25519";
  const blob = [Buffer.from([0, 0, 0, type.length]), Buffer.from(type), Buffer.from([0, 0, 0, 32])];
  return `${type} ${Buffer.concat([...blob, key]).toString("base64")}`;
}
