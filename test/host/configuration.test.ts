import { describe, it } from "vitest";

import { bindingLines } from "../../src/plan/configuration";
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

/** Each binds 203.0.113.10 at its last line, and says so where it is read. */
const BINDING: Readonly<Record<string, string>> = {
  "/etc/sysconfig/network-scripts/ifcfg-lo:0": "DEVICE=lo:0\\nIPADDR=203.0.113.10\\n",
  "/etc/sysconfig/network/ifcfg-lo": "IPADDR_dr='203.0.113.10/32'\\n",
  "/etc/wicked/ifconfig/lo.xml": "<address><local>203.0.113.10/32</local></address>\\n",
  "/etc/conf.d/net": 'config_lo="127.0.0.1/8\\n203.0.113.10/32"\\n',
  "/etc/local.d/net.start": "ip a a 203.0.113.10 dev lo\\n",
  "/etc/init.d/realserver": "VIP=203.0.113.10\\nifconfig lo:0 $VIP up\\n",
  "/etc/systemd/system/vip.service": "ExecStart=/sbin/ip addr add 203.0.113.10/32 dev lo\\n",
  "/etc/keepalived/keepalived.conf": "virtual_ipaddress {\\n  203.0.113.10/32 dev lo\\n",
  "/etc/cloud/cloud.cfg.d/99-net.cfg": "addresses: [203.0.113.10/32]\\n",
  "/etc/netplan/lo.yaml": "addresses: [203.0.113.10/32]\\n",
  "/etc/systemd/network/lo.network.d/vip.conf": "[Network]\\nAddress=203.0.113.10/32\\n",
  "/etc/systemd/network/eth0.network.d/vip.conf": "[Network]\\nAddress=203.0.113.10/32\\n",
  "/etc/NetworkManager/system-connections/lo.nmconnection": "address1 = 203.0.113.10/32\\n",
  "/etc/network/if-up.d/vip": "ip addr add 203.0.113.10/32 dev lo\\n",
  "/etc/network/interfaces.d/lo": "  address 203.0.113.10/32\\n",
  "/etc/network/more/lo.cfg": "source deeper/*\\n  address 203.0.113.10/32\\n",
  "/etc/network/more/deeper/lo~": "  address 203.0.113.10/32\\n",
  "/opt/vips/lo": "  address 203.0.113.10/32\\n",
};

/** Nobody reads these. */
const BACKUPS = ["~", ".bak", ".old", ".orig", ".rpmsave", ".rpmnew", ".dpkg-old", ".ucf-dist"].map(
  (ending) => `/etc/network/interfaces.d/lo${ending}`,
);

describe("an inspection", () => {
  it("looks in all places that bind what lo has, and in what ifupdown is led to", async ({
    expect,
  }) => {
    await using box = await Box.create();
    await box.run("rm -rf /etc/netplan; mount -t tmpfs tmpfs /opt");
    const interfaces = "source interfaces.d/lo\\nsource more/*.cfg\\nsource-directory /opt/vips\\n";
    const files = {
      ...BINDING,
      ...Object.fromEntries(BACKUPS.map((file) => [file, "  address 203.0.113.10\\n"])),
      "/etc/network/interfaces": interfaces,
    };
    for (const [file, text] of Object.entries(files))
      await box.run(
        `mkdir -p "$(dirname '${file}')"; printf '${text.replaceAll("'", "")}' >'${file}'`,
      );
    await box.run("ip addr add 203.0.113.10/32 dev lo");
    const session = box.open({ mode: "look" });
    const { networkLines } = await session.observed();
    await session.end();
    const found = bindingLines(["203.0.113.10"], networkLines);
    const last = Object.entries(BINDING).map(
      ([file, text]) => `${file} ${text.split("\\n").length - 1}`,
    );
    expect(found.map(({ file, line }) => `${file} ${line}`).sort()).toEqual(last.sort());
  });
});

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
      printf '[keyfile]\\nunmanaged-devices = interface-name:eth9; interface-name:lo ;type:wifi\\n' >/etc/NetworkManager/conf.d/lo.conf`);
    expect((await look()).loProfiles).toEqual([]);
  });
});
