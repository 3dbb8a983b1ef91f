// The real servers of one service, from stack config, with a key that is a secret there:
//
//   pulumi config set --path 'hosts.web-1' 10.0.0.11
//   pulumi config set --path 'hosts.web-2' 10.0.0.12
//   pulumi config set --path 'vips[0]' 203.0.113.10
//   pulumi config set --secret privateKey <~/.ssh/id_ed25519
//   pulumi up
import * as pulumi from "@pulumi/pulumi";
import { RealServer } from "pulumi-lvs-dr";

const config = new pulumi.Config();
const hosts = config.requireObject<Record<string, string>>("hosts");
const vips = config.requireObject<string[]>("vips");
const privateKey = config.requireSecret("privateKey");

// Taking a host out of the config withdraws the VIPs from it.
const pool = Object.entries(hosts).map(
  ([name, host]) =>
    new RealServer(name, {
      connection: { host, user: config.get("user") ?? "root", privateKey },
      vips,
    }),
);

/** The SSH keys that the hosts showed, pinned on first contact. */
export const hostKeys = pulumi.all(pool.map((server) => server.hostKey));
