// Real servers behind a director that something else owns: a company's own tool, here `lbctl`, or an
// appliance with a shell. `remote.Command` runs that tool once the VIP is bound, and again before it is
// withdrawn. Why each line is as it is: docs/how-to/director-by-command.md
//
//   pulumi config set --path director.address 10.0.0.2
//   pulumi config set --path director.hostKey "$(ssh-keyscan -t ed25519 10.0.0.2 | cut -d' ' -f2-)"
//   pulumi config set --path 'hosts[0].address' 10.0.0.11
//   pulumi config set --path 'hosts[0].hostKey' "$(ssh-keyscan -t ed25519 10.0.0.11 | cut -d' ' -f2-)"
//   pulumi config set --path 'vips[0]' 203.0.113.10
//   pulumi config set --secret privateKey <~/.ssh/id_ed25519
import { remote } from "@pulumi/command";
import type { types } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { RealServer } from "pulumi-lvs-dr";

/** An address, and the host's public key: `ssh-ed25519 AAAA...`. */
interface Host {
  address: string;
  hostKey: string;
}

const config = new pulumi.Config();
const director = config.requireObject<Host>("director");
const hosts = config.requireObject<Host[]>("hosts");
const vips = config.requireObject<string[]>("vips");
const privateKey = config.requireSecret("privateKey");

/** What `remote.Command` connects with; a real server takes it as it is. */
const connectionTo = ({ address, hostKey }: Host): types.input.remote.ConnectionArgs => ({
  host: address,
  hostKey,
  user: config.get("user") ?? "root",
  privateKey,
});

/** `remote.Command` has no time limit of its own. */
const atMost5Minutes = (script: string) => `timeout 300 sh -c '${script}'`;

for (const vip of vips) {
  for (const host of hosts) {
    const server = new RealServer(`${vip} on ${host.address}`, {
      connection: connectionTo(host),
      vips: [vip],
    });
    const members = `members=$(lbctl list ${vip}) || exit`;
    const isMember = `echo "$members" | grep -qxF ${host.address}`;
    new remote.Command(
      `${director.address} sends ${vip} to ${host.address}`,
      {
        connection: connectionTo(director),
        create: atMost5Minutes(`${members}; ${isMember} || lbctl add ${vip} ${host.address}`),
        delete: atMost5Minutes(
          `${members}; if ${isMember}; then lbctl remove ${vip} ${host.address}; fi`,
        ),
        addPreviousOutputInEnv: false,
      },
      { dependsOn: server, deleteBeforeReplace: true },
    );
  }
}
