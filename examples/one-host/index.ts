// One real server, as simple as it gets:
//
//   pulumi config set host 10.0.0.11
//   pulumi config set --path 'vips[0]' 203.0.113.10
//   pulumi up
import * as pulumi from "@pulumi/pulumi";
import { RealServer } from "pulumi-lvs-dr";

const config = new pulumi.Config();

const web = new RealServer("web-1", {
  connection: {
    host: config.require("host"),
    user: config.get("user") ?? "root",
    privateKeyFile: config.get("privateKeyFile") ?? "~/.ssh/id_ed25519",
  },
  vips: config.requireObject<string[]>("vips"),
});

/** What is bound on `lo`, as read back from the host. */
export const bindings = web.bindings;
