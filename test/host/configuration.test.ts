import { describe, it } from "vitest";

import { Box, FLAVOURS } from "./box";

const LO = "/etc/NetworkManager/system-connections/lo.nmconnection";
const PROFILE = "/run/NetworkManager/system-connections/netplan lo.nmconnection";

/** Files by their names, and what a link leads to. */
const FILES: Readonly<Record<string, string>> = {
  "/etc/network/interfaces": "auto lo\\niface lo inet loopback\\n  address 203.0.113.10\\n",
  "/etc/network/interfaces.d/lo~": "  address 203.0.113.10\\n",
  "/etc/rc.local": "#!/bin/sh\\nip addr add 203.0.113.11/32 dev lo",
  "/run/systemd/network/masked.network": "[Network]\\nAddress=203.0.113.10/32\\n",
  "/run/sysctl.d/masked.conf": "net.ipv4.conf.all.arp_ignore = 0\\n",
  "/run/sysctl.d/50-here.conf":
    "\\n#net.ipv4.conf.all.arp_ignore = 0\\nnet.ipv4.conf.all.arp_ignore=4",
  "/etc/sysctl.conf": "net.ipv4.conf.all.arp_announce = 1\\n",
  [PROFILE]: "[connection]\\ntype = loopback\\n[ipv4]\\naddress1=203.0.113.10/32\\n",
  [`${LO}~`]: "type=loopback\\n",
  [`${LO}.rpmsave`]: "type=loopback\\n",
};

describe.concurrent.each(FLAVOURS)("under $shell with the ip of $ip", (flavour) => {
  it("tells the lines in force of files that the host boots with, each once", async ({
    expect,
  }) => {
    await using box = await Box.create(flavour);
    await box.run("rm -rf /etc/sysctl.d /etc/netplan; mkdir -p /etc/sysctl.d");
    for (const [file, text] of Object.entries(FILES))
      await box.run(`mkdir -p "$(dirname '${file}')"; printf '${text}' >'${file}'`);
    await box.run(`mkdir -p /etc/systemd/network; ln -s /dev/null /etc/systemd/network/masked.network
      ln -s /dev/null /etc/sysctl.d/masked.conf; ln -s ../sysctl.conf /etc/sysctl.d/99-sysctl.conf`);
    const look = async () => {
      const session = box.open({ vips: ["203.0.113.10", "203.0.113.11"], mode: "look" });
      const seen = await session.observed();
      await session.end();
      return seen;
    };
    const seen = await look();
    expect(seen.networkLines.map(({ file, line }) => `${file} ${line}`).sort()).toEqual([
      "/etc/network/interfaces 3",
      "/etc/rc.local 2",
      `${PROFILE} 4`,
    ]);
    const own = seen.sysctlLines.filter(({ file }) => !file.startsWith("/usr"));
    expect(own.map(({ file, line }) => `${file} ${line}`).sort()).toEqual([
      "/etc/sysctl.conf 1",
      "/run/sysctl.d/50-here.conf 3",
    ]);
    expect(seen.loProfiles).toEqual([PROFILE]);
    await box.run(`mkdir -p /etc/NetworkManager/conf.d
      printf '[keyfile]\\nunmanaged-devices=interface-name:eth9;interface-name:lo\\n' >/etc/NetworkManager/conf.d/lo.conf`);
    expect((await look()).loProfiles).toEqual([]);
  });
});
