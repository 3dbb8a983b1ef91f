import { describe, it } from "vitest";

import {
  connectionPatterns,
  parseUsage,
  type Usage,
  connectionsRequest,
} from "../../src/observed/connections";
import { Box, eventually } from "./box";
import { ok, TRYING, trying } from "./session";

const VIP = "203.0.113.10";
const VIP6 = "2001:db8::10";
const VIPS = [VIP, VIP6];

const SHELLS = ["dash", "bash", "busybox"] as const;
const CASES = SHELLS.flatMap((shell) => [
  { shell, ss: "ss" },
  { shell, ss: "no ss" },
]);

describe.concurrent.each(CASES)("connections counted by $shell with $ss", ({ shell, ss }) => {
  it("are all to a VIP, of both families, and none to its neighbour", async ({ expect }) => {
    await using box = await machine(shell, ss);
    await connect(box, [
      // A dual-stack listener: the kernel has these as ::ffff:203.0.113.10.
      ...[`${VIP} 80`, `${VIP} 80`, `${VIP6} 80`],
      // One that is bound to the VIP.
      `${VIP} 81`,
      "203.0.113.100 80",
    ]);
    await usageBecomes(box, { total: 4, byVip: { [VIP]: 3, [VIP6]: 1 } });
    expect((await usage(box)).blind).toBe(false);
  });

  it("are none that nobody has any more: LISTEN and TIME-WAIT", async ({ expect }) => {
    await using box = await machine(shell, ss);
    // The server hangs up first, so that TIME-WAIT is on its side.
    await connect(box, [`${VIP} 82`]);
    await eventually(
      async () => (await box.run("cat /proc/net/tcp*")).stdout,
      (table) => / 06 /.test(table),
    );
    expect(await usage(box)).toMatchObject({ total: 0, ended: 1 });
  });

  it("are also those that are only being made", async () => {
    await using box = await machine(shell, ss);
    const drop = "tcp sport 80 tcp flags & (syn | ack) == (syn | ack) drop";
    await box.run(`nft -f - <<'END'
      table ip t { chain c { type filter hook output priority 0; ${drop}; }; }
END`);
    await connect(box, [`${VIP} 80`]);
    await usageBecomes(box, { total: 1, byVip: { [VIP]: 1 } });
  });

  it("are also those that are translated to another address, by conntrack", async ({ expect }) => {
    await using box = await machine(shell, ss);
    await translate(box);
    await connect(box, [`${VIP} 90`, `${VIP6} 90`, `${VIP} 80`]);
    await usageBecomes(box, { total: 3, byVip: { [VIP]: 2, [VIP6]: 1 } });

    const hidden = await usage(box, "conntrack_table=/nonexistent");
    expect(hidden).toMatchObject({ blind: true });
    await box.run("nft flush ruleset");
    expect(await usage(box, "conntrack_table=/nonexistent")).toMatchObject({ blind: false });
  });
});

describe("a host with many connections", () => {
  it("tells no more than their number", async ({ expect }) => {
    await using box = await machine("dash", "ss");
    await connect(box, Array<string>(1500).fill(`${VIP} 80`));
    const seen = await eventually(
      () => usage(box),
      ({ total }) => total === 1500,
    );
    expect(seen.byVip).toBeUndefined();
  });
});

describe("a host that cannot count", () => {
  it.for(["sed", "grep"])(
    "for want of %s is no host without connections",
    async (tool, { expect }) => {
      await using box = await machine("dash", "no ss");
      await connect(box, [`${VIP} 80`]);
      await box.run(
        `printf '#!/bin/sh\\nexit 127\\n' >/mnt/first/${tool}; chmod 755 /mnt/first/${tool}`,
      );
      await expect(usage(box)).rejects.toThrow("cannot be");
    },
  );
});

/** A box with the VIPs and their neighbour, and a server on ports 80 to 85 that keeps connections. */
async function machine(shell: (typeof SHELLS)[number], ss: string): Promise<Box> {
  const box = await Box.create({ shell });
  if (ss === "no ss")
    await box.run("printf '#!/bin/sh\\nexit 127\\n' >/mnt/first/ss; chmod 755 /mnt/first/ss");
  for (const address of [`${VIP}/32`, "203.0.113.100/32", `${VIP6}/128`])
    await box.run(`/usr/sbin/ip addr add ${address} dev lo`);
  await start(box, SERVER);
  await eventually(
    () => box.run("cat /proc/net/tcp", { allowFailure: true }),
    ({ stdout }) => / 0A71\w*:0051 .* 0A /.test(stdout),
  );
  return box;
}

/** To ports 90 the box's own clients come by way of the loopback address and port 80. */
async function translate(box: Box): Promise<void> {
  await box.run(`nft -f - <<'END'
    table inet n { chain c { type nat hook output priority -100; tcp dport 90 redirect to :80; }; }
END`);
}

const SERVER = `
  const net = require("node:net");
  const serve = (act) => net.createServer({ allowHalfOpen: true }, act).on("error", (e) => { throw e; });
  const keep = (socket) => socket.on("error", () => undefined);
  serve(keep).listen({ port: 80, host: "::", backlog: 4000 });
  serve(keep).listen(81, "${VIP}");
  serve((socket) => keep(socket).end()).listen(82, "${VIP}");
`;

/** Opens connections from the box's own address, `ADDRESS PORT` each, and keeps them. */
async function connect(box: Box, to: readonly string[]): Promise<void> {
  await start(
    box,
    `for (const [host, port] of ${JSON.stringify(to)}.map((one) => one.split(" "))) {
      const localAddress = host.includes(":") ? "::1" : "10.9.0.2";
      const socket = require("node:net").connect({ host, port, localAddress });
      socket.on("error", () => undefined).on("end", () => socket.end()).resume();
    }`,
  );
}

/** A program of the box's own, which ends with it. */
async function start(box: Box, script: string): Promise<void> {
  const quoted = `'${script.replaceAll("'", `'\\''`)}'`;
  await box.run(`setsid ${process.execPath} -e ${quoted} </dev/null >/dev/null 2>&1 &`);
}

/** What a drain is told, in a session like its own. */
async function usage(box: Box, before = "true"): Promise<Usage> {
  const session = box.open({ mode: "look", program: TRYING });
  try {
    await session.observed();
    const request = connectionsRequest(connectionPatterns(VIPS));
    return parseUsage(ok(await session.request(`${trying(before)} && ${request}`)), VIPS);
  } finally {
    await session.end();
  }
}

async function usageBecomes(
  box: Box,
  wanted: { total: number; byVip: Record<string, number> },
): Promise<void> {
  const told = async () => {
    const { total, byVip } = await usage(box);
    return JSON.stringify({
      total,
      byVip: Object.fromEntries([...(byVip ?? [])].sort().reverse()),
    });
  };
  const sorted = Object.fromEntries(Object.entries(wanted.byVip).sort().reverse());
  await eventually(told, (seen) => seen === JSON.stringify({ ...wanted, byVip: sorted }));
}
