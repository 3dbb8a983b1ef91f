// Read by the type checker only: a line that stops compiling is the failure.
import type { types } from "@pulumi/command";
import type * as pulumi from "@pulumi/pulumi";
import type { connectionField } from "../../../src/inputs/connection";
import type { proxyFields } from "../../../src/inputs/hop";
import type { realServerInputs } from "../../../src/inputs/real-server";
import type { virtualServiceInputs } from "../../../src/inputs/virtual-service";
import type { InspectConnection, InspectProxy, InspectSsh } from "../../../src/inspect/types";
import type {
  ArpArgs,
  ConnectionArgs,
  DrainArgs,
  ProxyConnectionArgs,
  RealServerArgs,
  SshArgs,
  StaleVipsArgs,
  TimeoutsArgs,
} from "../../../src/pulumi/args";
import type { ReadyArgs, ReadyHttpArgs } from "../../../src/pulumi/ready-args";
import type { RealServer } from "../../../src/pulumi/real-server";
import type {
  DestinationArgs,
  PersistenceArgs,
  ServiceDrainArgs,
  VirtualServiceArgs,
} from "../../../src/pulumi/service-args";
import type { VirtualService } from "../../../src/pulumi/virtual-service";

type Assignable<From extends To, To> = From;

/** What a program made for `remote.Command` serves a real server as it is. */
export type CommandConnection = Assignable<types.input.remote.ConnectionArgs, ConnectionArgs>;
export type CommandProxy = Assignable<types.input.remote.ProxyConnectionArgs, ProxyConnectionArgs>;

/** And a director. */
export const commandDirector = (connection: CommandConnection): VirtualServiceArgs["director"] =>
  connection;

/** None of Command's fields is missing, so an object literal with any of them compiles too. */
export type NoFieldMissing = Assignable<
  keyof types.input.remote.ConnectionArgs,
  keyof ConnectionArgs
>;
export type NoProxyFieldMissing = Assignable<
  keyof types.input.remote.ProxyConnectionArgs,
  keyof ProxyConnectionArgs
>;

declare const secret: pulumi.Output<string>;
declare const address: pulumi.Output<string>;

export const simplest: RealServerArgs = {
  connection: { host: "10.0.0.11", privateKeyFile: "~/.ssh/id_ed25519" },
  vips: ["203.0.113.10", "2001:db8::10"],
};

export const outputsAnywhere: RealServerArgs = {
  connection: { host: address, privateKey: secret, proxy: { host: address, password: secret } },
  vips: [address, "203.0.113.11"],
  arp: { ignore: 2, interfaces: ["eth0", address], except: ["veth*"] },
  timeouts: { connectSeconds: 300 },
  drain: { timeoutSeconds: 60, onTimeout: "fail" },
  ready: { port: 443, http: { path: "/healthz", host: address, https: true } },
  staleVips: "withdraw",
};

export const someStay: RealServerArgs = {
  ...simplest,
  staleVips: { withdraw: true, except: [address, "203.0.113.20"] },
};

// @ts-expect-error arp_ignore 3 leaks
export const leaking: ArpArgs = { ignore: 3 };

// @ts-expect-error no connection
export const unreachable: RealServerArgs = { vips: ["203.0.113.10"] };

export const simplestService: VirtualServiceArgs = {
  director: { host: "10.0.0.2", privateKeyFile: "~/.ssh/id_ed25519" },
  ...{ vip: "203.0.113.10", port: 80 },
  destinations: [{ address: "10.0.0.11" }],
};

export const serviceOfOutputs: VirtualServiceArgs = {
  director: { host: address, privateKey: secret },
  ...{ fwmark: 7, family: 6, scheduler: "mh", schedulerFlags: ["mh-fallback", address] },
  destinations: [{ address, weight: 10 }, { address: "fd00::12" }],
  persistence: { timeoutSeconds: 300, netmask: address },
  drain: { timeoutSeconds: 60, onTimeout: "fail" },
};

// @ts-expect-error a real server withdraws; a director removes
export const withdrawing: ServiceDrainArgs = { timeoutSeconds: 60, onTimeout: "withdraw" };

// @ts-expect-error no destinations
export const nobody: VirtualServiceArgs = { director: { host: "10.0.0.2" }, fwmark: 7, family: 4 };

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;
type Inputs = typeof realServerInputs;
type ServiceInputs = typeof virtualServiceInputs;
type Connection = (typeof connectionField)["fields"];
type Proxy = typeof proxyFields;

/** The table of inputs and the interfaces have the same names. */
export const sameNames: {
  RealServerArgs: Same<keyof RealServerArgs, keyof Inputs>;
  ConnectionArgs: Same<keyof ConnectionArgs, keyof Connection>;
  ProxyConnectionArgs: Same<keyof ProxyConnectionArgs, keyof Proxy>;
  ArpArgs: Same<keyof ArpArgs, keyof Inputs["arp"]["fields"]>;
  DrainArgs: Same<keyof DrainArgs, keyof Inputs["drain"]["fields"]>;
  ReadyArgs: Same<keyof ReadyArgs, keyof Inputs["ready"]["fields"]>;
  ReadyHttpArgs: Same<keyof ReadyHttpArgs, keyof Inputs["ready"]["fields"]["http"]["fields"]>;
  StaleVipsArgs: Same<keyof StaleVipsArgs, keyof Inputs["staleVips"]["fields"]>;
  TimeoutsArgs: Same<keyof TimeoutsArgs, keyof Inputs["timeouts"]["fields"]>;
  VirtualServiceArgs: Same<keyof VirtualServiceArgs, keyof ServiceInputs>;
  PersistenceArgs: Same<keyof PersistenceArgs, keyof ServiceInputs["persistence"]["fields"]>;
  DestinationArgs: Same<keyof DestinationArgs, keyof ServiceInputs["destinations"]["fields"]>;
  ServiceDrainArgs: Same<keyof ServiceDrainArgs, keyof ServiceInputs["drain"]["fields"]>;
  InspectConnection: Same<keyof InspectConnection, keyof Connection>;
  InspectProxy: Same<keyof InspectProxy, keyof Proxy>;
  SshArgs: Same<keyof SshArgs, keyof Connection["ssh"]["fields"]>;
  InspectSsh: Same<keyof InspectSsh, keyof Connection["ssh"]["fields"]>;
} = {
  RealServerArgs: true,
  ConnectionArgs: true,
  ProxyConnectionArgs: true,
  ArpArgs: true,
  DrainArgs: true,
  ReadyArgs: true,
  ReadyHttpArgs: true,
  StaleVipsArgs: true,
  TimeoutsArgs: true,
  VirtualServiceArgs: true,
  PersistenceArgs: true,
  DestinationArgs: true,
  ServiceDrainArgs: true,
  InspectConnection: true,
  InspectProxy: true,
  SshArgs: true,
  InspectSsh: true,
};

/** Every input is an output. */
export type EveryInput = Assignable<keyof Inputs, keyof RealServer>;
export type EveryServiceInput = Assignable<keyof ServiceInputs, keyof VirtualService>;

/** What a program may write by the table, with plain values. */
type Given<Fields> = {
  [Name in keyof Fields as Fields[Name] extends Demanded ? Name : never]: Value<Fields[Name]>;
} & {
  [Name in keyof Fields as Fields[Name] extends Demanded ? never : Name]?: Value<Fields[Name]>;
};

/** The constructor decides what is required and has a default. */
type Demanded = { required: true; defaultText?: never };

type Value<Field> = Field extends { kind: "flag" }
  ? boolean
  : Field extends { kind: "whole number" }
    ? number
    : Field extends { kind: "choice"; values: readonly (infer Choice)[] }
      ? Choice
      : Field extends { kind: "list" }
        ? string[] | (Field extends { all: true } ? "all" : never)
        : Field extends { kind: "object"; fields: infer Within }
          ? | Given<Within>
            | (Field extends { words: readonly (infer Word)[] } ? Word : never)
            | (Field extends { flag: true } ? boolean : never)
          : Field extends { kind: "objects"; fields: infer Within }
            ? Given<Within>[]
            : string;

/** They demand the same, and their values are of the same types. */
export const sameInputs: Same<pulumi.Unwrap<RealServerArgs>, Given<Inputs>> = true;
export const sameServiceInputs: Same<
  pulumi.Unwrap<VirtualServiceArgs>,
  Given<ServiceInputs>
> = true;
export const sameConnection: Same<InspectConnection, Given<Connection>> = true;
