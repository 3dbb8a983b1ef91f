import { pulumiAdvice } from "../../src/pulumi/advice";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { Hop } from "../../src/transport/connection";
import { Lab } from "../../lab/lab";
import type { LabHost } from "../../lab/host";
import {
  connectionTo,
  dialError,
  options,
  text,
  userAfterLogin,
  withFile,
  withTransport,
} from "./ssh-connection";

let lab: Lab;
let host: LabHost;
let bastion: LabHost;

beforeAll(async () => {
  lab = await Lab.create();
  [host, bastion] = await Promise.all([lab.host("web"), lab.host("bastion")]);
});
afterAll(() => lab.destroy());

/** The bastion is entered as another user, so that the two logins cannot be mixed up. */
const proxy = (changes: Partial<Hop> = {}): Hop => ({
  ...connectionTo(lab, bastion, { user: "deploy" }),
  ...changes,
});
const through = (changes: Partial<Hop> = {}) => connectionTo(lab, host, { proxy: proxy(changes) });

describe("a host behind a bastion", () => {
  it("is reached through it, and both host keys are reported", async () => {
    await withTransport(through(), options(), async (transport) => {
      expect(transport.keys.hostKey).toBe(host.hostKey);
      expect(transport.keys.proxyHostKey).toBe(bastion.hostKey);
      const from = await transport.exec("echo $SSH_CONNECTION");
      expect((await text(from)).split(" ")[0]).toBe(bastion.address);
    });
  });

  it("is dialled again while the bastion says that it refuses the connection", async () => {
    await host.stopSsh();
    const said: string[] = [];
    const progress = (line: string): void => {
      said.push(line);
      if (line.includes("again")) void host.startSsh();
    };
    await expect(userAfterLogin(through(), { progress })).resolves.toBe("root");
    expect(said).toContain(`dialling the bastion ${bastion.address}:22`);
    expect(said.join("\n")).toContain(`dialling ${host.address}:22 again (the bastion`);
    expect(said.join("\n")).toContain("Connection refused");
  });

  it("is given up when it stays silent, while the bastion is well", async () => {
    await host.stopSsh();
    const error = await dialError(through(), { connectSeconds: 1.5 });
    await host.startSsh();
    expect(error.kind).toBe("unreachable");
    expect(error.message).toContain(`${host.address}:22 cannot be reached: the bastion`);
  });
});

describe("a bastion", () => {
  it("that refuses the connection is named, and proves nothing about the host behind it", async () => {
    await bastion.stopSsh();
    const error = await dialError(through(), { connectSeconds: 1 });
    await bastion.startSsh();
    expect(error.kind).toBe("unreachable");
    expect(error.message).toContain(
      `the bastion ${bastion.address}:22 cannot be reached: connection refused`,
    );
    expect(error.isGone).toBe(false);
    expect(error.withAdvice(pulumiAdvice)).not.toContain("PULUMI_LVS_DR_FORGET");
  });

  it("that does not know the key is named", async () => {
    const error = await dialError(through({ privateKey: lab.keys.unknown.content }));
    expect(error.kind).toBe("authentication");
    expect(error.message).toContain(
      `the bastion ${bastion.address}:22 does not let deploy in: tried connection.proxy.privateKey`,
    );
  });

  it("with another key than its pin, or than known hosts say, is refused", async () => {
    const pins = { proxyHostKey: host.hostKey };
    const pinned = await dialError(through(), { pins });
    expect(pinned.kind).toBe("host-key");
    expect(pinned.message).toContain(`the bastion ${bastion.address}:22 offers the host key`);
    const line = `${bastion.address} ${host.hostKey}\n`;
    await withFile(line, async (knownHostsFile) => {
      const known = await dialError(through({ knownHostsFile }));
      expect(known.message).toContain(`${knownHostsFile} line 1`);
    });
    const given = await dialError(through({ hostKey: host.hostKey }));
    expect(given.message).toContain("connection.proxy.hostKey");
  });

  it("whose key is right does not vouch for the host behind it", async () => {
    const error = await dialError(through(), { pins: { hostKey: bastion.hostKey } });
    expect(error.kind).toBe("host-key");
    expect(error.message).toMatch(new RegExp(`^${host.address}:22 offers the host key`));
  });

  it.each([
    ["sshd", "sed -i 's/^AllowTcpForwarding yes/AllowTcpForwarding no/' /etc/ssh/lab_sshd_config"],
    ["the key's line", "sed -i 's/^/restrict /' /root/.ssh/authorized_keys"],
  ])("that does not forward, by %s, names both places at once", async (by, line) => {
    const closed = await lab.host(by === "sshd" ? "closed" : "restricted");
    await closed.run(line);
    await closed.stopSsh();
    await closed.startSsh();
    const hop = connectionTo(lab, closed);
    const error = await dialError(connectionTo(lab, host, { proxy: hop }));
    expect(error.kind).toBe("failed");
    expect(error.message).toContain("AllowTcpForwarding");
    expect(error.message).toContain("key in authorized_keys there forbids it (restrict");
  });

  it("that drops in mid-answer closes the channel", async () => {
    await withTransport(through(), options(), async (transport) => {
      const channel = await transport.exec("echo begun; sleep 1000");
      channel.stdout.once("data", () => void bastion.dropSsh());
      expect(await channel.closed).toEqual({});
    });
  });
});
