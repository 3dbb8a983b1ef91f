// Real servers and the directors that send to them, from stack config. A host that is added to `hosts`
// gets requests once its VIP is bound; one that is taken out is drained first. What happens in which
// order, and what to watch out for: docs/how-to/director.md
//
//   pulumi config set --path 'directors[0]' 10.0.0.2
//   pulumi config set --path 'hosts.web-1' 10.0.0.11
//   pulumi config set --path 'hosts.web-2' 10.0.0.12
//   pulumi config set vip 203.0.113.10
//   pulumi config set --path 'ports[0]' 80
//   pulumi config set --secret privateKey <~/.ssh/id_ed25519
//   pulumi up
import * as pulumi from "@pulumi/pulumi";
import { RealServer, VirtualService } from "pulumi-lvs-dr";

const config = new pulumi.Config();
const directors = config.requireObject<string[]>("directors");
const hosts = config.requireObject<Record<string, string>>("hosts");
const vip = config.require("vip");
const ports = config.requireObject<number[]>("ports");
const privateKey = config.requireSecret("privateKey");

/** Directors and real servers are reached in the same way. */
const connectionTo = (host: string) => ({ host, user: config.get("user") ?? "root", privateKey });

const pool = Object.entries(hosts).map(
  ([name, address]) => new RealServer(name, { connection: connectionTo(address), vips: [vip] }),
);

const services = directors.flatMap((director) =>
  ports.map(
    (port) =>
      new VirtualService(
        `${vip} port ${port} on ${director}`,
        {
          director: connectionTo(director),
          vip,
          port,
          destinations: Object.values(hosts).map((address) => ({ address })),
          drain: { timeoutSeconds: 60 },
        },
        // The whole order: a destination joins after its VIP is bound, and leaves before it is withdrawn.
        { dependsOn: pool },
      ),
  ),
);

/** Whether all directors and hosts are as declared. */
export const converged = pulumi
  .all([...pool, ...services].map((one) => one.converged))
  .apply((all) => all.every(Boolean));
