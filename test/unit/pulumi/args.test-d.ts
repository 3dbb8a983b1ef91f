// Read by the type checker only: a line that stops compiling is the failure.
import type { types } from "@pulumi/command";
import type * as pulumi from "@pulumi/pulumi";
import type {
  ArpArgs,
  ConnectionArgs,
  ProxyConnectionArgs,
  RealServerArgs,
} from "../../../src/pulumi/args";

type Assignable<From extends To, To> = From;

/** What a program made for `remote.Command` serves a real server as it is. */
export type CommandConnection = Assignable<types.input.remote.ConnectionArgs, ConnectionArgs>;
export type CommandProxy = Assignable<types.input.remote.ProxyConnectionArgs, ProxyConnectionArgs>;

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
  staleVips: "withdraw",
};

// @ts-expect-error arp_ignore 3 leaks
export const leaking: ArpArgs = { ignore: 3 };

// @ts-expect-error no connection
export const unreachable: RealServerArgs = { vips: ["203.0.113.10"] };
