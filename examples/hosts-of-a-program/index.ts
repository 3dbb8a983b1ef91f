// Real servers on machines that the same program makes. Their addresses are not known in the first
// preview; and a machine that is destroyed takes its VIPs with it, so nobody has to connect to it.
import * as pulumi from "@pulumi/pulumi";
import { RealServer } from "pulumi-lvs-dr";
import { Machine } from "./machine";

const config = new pulumi.Config();
const addresses = config.requireObject<string[]>("addresses");

const servers = addresses.map((address) => {
  // Not by their places in the list: the removal of one would rename all that come after it.
  const machine = new Machine(`machine-${address}`, { address });
  return new RealServer(
    `web-${address}`,
    {
      connection: {
        host: machine.address,
        privateKeyFile: config.get("privateKeyFile") ?? "~/.ssh/id_ed25519",
      },
      vips: config.requireObject<string[]>("vips"),
      // A machine that was just made still boots: its port is dialled again until then.
      timeouts: { connectSeconds: 300 },
    },
    { deletedWith: machine },
  );
});

/** Whether each host is as declared. */
export const converged = pulumi.all(servers.map((server) => server.converged));
