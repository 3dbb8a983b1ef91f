// A whole pool: VIPs, hosts, and directors with their services, from stack config:
//
//   pulumi config set --path 'realServers.web-1' 10.0.0.11
//   pulumi config set --path 'realServers.web-2.host' 10.0.0.12
//   pulumi config set --path 'realServers.web-2.weight' 2
//   pulumi config set --path 'vips[0]' 203.0.113.10
//   pulumi config set --path 'directors.lb-1' 10.0.0.2
//   pulumi up
import * as pulumi from "@pulumi/pulumi";
import { RealServerPool } from "pulumi-lvs-dr";
import type { PoolMemberArgs } from "pulumi-lvs-dr";

const config = new pulumi.Config();
// Without directors in the config, something else has the services.
const directors = config.getObject<Record<string, string>>("directors");

const shop = new RealServerPool("shop", {
  vips: config.requireObject<string[]>("vips"),
  // A VIP on its way out goes from vips to here, and leaves after another up.
  retiring: config.getObject<string[]>("retiring"),
  connection: {
    user: config.get("user") ?? "root",
    privateKeyFile: config.get("privateKeyFile") ?? "~/.ssh/id_ed25519",
  },
  // Taking a host out of the config drains it on the directors, and then withdraws the VIPs.
  realServers: config.requireObject<Record<string, string | PoolMemberArgs>>("realServers"),
  drain: { timeoutSeconds: 60 },
  // One canary, then a quarter of the pool at a time; this is the default.
  rollout: { batch: [1, "25%"] },
  ...(directors && { directors, services: [{ port: 80 }, { port: 443 }] }),
});

/** Whether every member and every service is as declared. */
export const converged = shop.converged;
