import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { Lab } from "../../lab/lab";
import type { LabHost } from "../../lab/host";
import { connectionTo, dialError, userAfterLogin } from "./ssh-connection";

let lab: Lab;
let host: LabHost;

beforeAll(async () => {
  lab = await Lab.create();
  host = await lab.host("web");
});
afterAll(() => lab.destroy());

/** The same host by another sshd, whose options are these. */
async function atOtherSshd(port: number, ...options: string[]) {
  const words = options.map((option) => `-o ${option}`).join(" ");
  const pid = `-o PidFile=/run/sshd-${port}.pid`;
  await host.run(`/usr/sbin/sshd -f /etc/ssh/lab_sshd_config -p ${port} ${pid} ${words}`);
  return connectionTo(lab, host, { port });
}

describe("a host that has no algorithm in common with us", () => {
  it.each([
    ["key exchange", "KexAlgorithms", "sntrup761x25519-sha512@openssh.com", "curve25519-sha256"],
    ["encryption", "Ciphers", "aes128-cbc,aes256-cbc", "aes256-gcm@openssh.com"],
    ["MACs", "MACs", "umac-128@openssh.com", "hmac-sha2-256", "Ciphers=aes256-ctr"],
  ])("is told what each side offers for %s", async (what, option, theirs, ours, ...more) => {
    const port = 2200 + option.length;
    const error = await dialError(await atOtherSshd(port, `${option}=${theirs}`, ...more));
    expect(error.kind).toBe("unsupported");
    expect(error.message).toMatch(
      new RegExp(
        `^${host.address}:${port} and this client have no algorithm for ${what} in common: ` +
          `it offers ${theirs.replaceAll(",", ", ")}; this client .*\\b${ours}\\b.*\\. ` +
          `Add one of the latter to ${option} in its sshd_config\\.$`,
      ),
    );
  });

  it("is told of its host keys' algorithms too", async () => {
    const certified = "ssh-ed25519-cert-v01@openssh.com";
    await host.run(
      "cd /etc/ssh && cp lab_host_ed25519.pub only.pub && cp lab_host_ed25519 only &&" +
        " ssh-keygen -q -s lab_host_ecdsa -h -I web only.pub",
    );
    const keys = ["HostKey=/etc/ssh/only", "HostCertificate=/etc/ssh/only-cert.pub"];
    const connection = await atOtherSshd(2222, ...keys, `HostKeyAlgorithms=${certified}`);
    const error = await dialError(connection);
    expect(error.kind).toBe("unsupported");
    expect(error.message).toContain(`no algorithm for host keys in common: it offers ${certified}`);
  });

  it("is nobody as long as one is", async () => {
    const connection = await atOtherSshd(2223, "Ciphers=aes128-cbc,aes256-ctr");
    await expect(userAfterLogin(connection)).resolves.toBe("root");
  });
});

describe("a host with several keys", () => {
  it("is not asked to prove those that we do not take", async () => {
    const log = "/run/sshd-2224.log";
    const options = ["LogLevel=DEBUG3", "HostKey=/etc/ssh/lab_host_ecdsa", `PidFile=/run/2224`];
    const connection = await atOtherSshd(2224, `${options.join(" -o ")} -E ${log}`);
    await expect(userAfterLogin(connection)).resolves.toBe("root");
    const { stdout: heard } = await host.run(`cat ${log}`);
    expect(heard).toMatch(/notify_hostkeys: sent [2-9] hostkeys/);
    expect(heard).not.toContain("hostkeys-prove");
  });
});
