// The way from a login to our program, on hosts as other people set them up.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RealServerError } from "../../src/domain/errors";
import { converge, look, withdraw } from "../../src/operation/converge";
import type { Operation } from "../../src/operation/session";
import { pulumiAdvice } from "../../src/pulumi/advice";
import { accessBy } from "../../src/transport/access";
import { Lab } from "../../lab/lab";
import type { LabHost } from "../../lab/host";
import { claim as claimed } from "../host/claims";
import { connectionTo, type Changes } from "./ssh-connection";

const VIP = "203.0.113.10";
const claim = claimed("a test", [VIP]);
/** With so many a request is packed, if it may be. */
const many = claimed(
  "a test",
  Array.from({ length: 200 }, (_, at) => `203.0.113.${at + 10}`),
);

let lab: Lab;
beforeAll(async () => (lab = await Lab.create()));
afterAll(() => lab.destroy());

const operation = (host: LabHost, changes: Changes = {}, operationSeconds = 40): Operation => ({
  ...accessBy(connectionTo(lab, host, changes)),
  pins: {},
  timeouts: { connectSeconds: 10, operationSeconds },
  signal: new AbortController().signal,
  progress: () => undefined,
  warn: () => undefined,
});

/** The message of an operation that must fail, as Pulumi's users read it, and the kind of the error. */
async function failureOn(
  host: LabHost,
  changes: Changes = {},
  seconds?: number,
): Promise<{ kind: string; message: string; took: number }> {
  const started = performance.now();
  const error: unknown = await look(operation(host, changes, seconds), async () => null).catch(
    (reason: unknown) => reason,
  );
  if (!(error instanceof RealServerError)) throw new Error(`no error of ours: ${String(error)}`);
  const took = (performance.now() - started) / 1000;
  return { kind: error.kind, message: error.withAdvice(pulumiAdvice), took };
}

async function restarted(host: LabHost): Promise<void> {
  await host.stopSsh();
  await host.startSsh();
}

/** Converges and withdraws, as a resource's create and delete do. */
async function serveAndLeave(way: Operation, what = claim): Promise<void> {
  const report = await converge(way, what);
  expect(report.drift).toEqual([]);
  expect(report.bindings.map(({ address }) => address)).toEqual(
    what.vips.map(({ address }) => address),
  );
  await withdraw(way, what, { sysctls: "restore" });
}

describe("noise that does not end its line", () => {
  it("of a profile and of sshrc, does not keep an operation from its answers", async () => {
    const host = await lab.host("noisy", { shell: "bash" });
    await host.run(`
      echo "printf '\\\\033]0;web\\\\007'; printf 'no end' >&2" >/root/.bashrc
      echo "printf 'last login: never'" >/etc/ssh/sshrc`);
    await restarted(host);
    await serveAndLeave(operation(host));
  });
});

describe("a login shell", () => {
  it.each(["tcsh", "fish"])("that is %s runs our line like any other", async (shell) => {
    const host = await lab.host(`shell-${shell}`);
    await host.run(
      `usermod -s "$(command -v ${shell})" root || exit; echo "echo hello" >/root/.tcshrc`,
    );
    await serveAndLeave(operation(host));
  });

  it("that is restricted is named, with its own words", async () => {
    const host = await lab.host("shell-rbash");
    await host.run("ln -sf /bin/bash /bin/rbash; usermod -s /bin/rbash root");
    const { message } = await failureOn(host);
    expect(message).toContain("the login shell /bin/rbash could not start sh");
    expect(message).toContain("restricted");
  });

  it("that lets nobody in is named, with what it says on stdout", async () => {
    const host = await lab.host("shell-nologin");
    await host.run("usermod -s /usr/sbin/nologin root");
    const { message } = await failureOn(host);
    expect(message).toContain("the login shell of root did not run our command");
    expect(message).toContain("This account is currently not available");
    expect(message).not.toContain("sudo");
  });

  it("that lets nobody in is named, where sudo would have come next", async () => {
    const host = await lab.host("shell-nologin-sudo");
    await host.run("usermod -s /usr/sbin/nologin deploy");
    const { message } = await failureOn(host, { user: "deploy", sudo: true });
    expect(message).toContain("the login shell of deploy did not run our command");
    expect(message).toContain("This account is currently not available");
    expect(message).not.toContain("sudo must let");
  });
});

describe("a command that the server forces", () => {
  it.each([
    [
      "a key line",
      `sed -i '1s/^/command="echo Please login as admin;exit 142" /' /root/.ssh/authorized_keys`,
    ],
    ["sshd", `echo 'ForceCommand echo Please login as admin; exit 142' >>/etc/ssh/lab_sshd_config`],
  ])("by %s is named, with what it says", async (by, line) => {
    const host = await lab.host(by === "sshd" ? "forced" : "forced-by-key");
    await host.run(line);
    await restarted(host);
    const { kind, message } = await failureOn(host);
    expect(kind).toBe("failed");
    expect(message).toContain("status 142, saying: Please login as admin");
    expect(message).toContain("ForceCommand");
  });

  it("and that goes on for ever is quoted when the time is over", async () => {
    const host = await lab.host("forced-slow");
    await host.run(
      `echo 'ForceCommand printf "Please wait"; sleep 100' >>/etc/ssh/lab_sshd_config`,
    );
    await restarted(host);
    const { kind, message, took } = await failureOn(host, {}, 3);
    expect(kind).toBe("timed-out");
    expect(message).toContain("has not run our command, saying: Please wait");
    expect(took).toBeLessThan(8);
  });
});

describe("sudo", () => {
  let host: LabHost;
  beforeAll(async () => (host = await lab.host("sudo")));
  const operator = (changes: Changes = {}): Changes => {
    return { user: "operator", sudo: true, sudoPassword: lab.passwords.login, ...changes };
  };

  it("with one try and a wrong password is not blamed on the sudoers", async () => {
    await host.run("echo 'Defaults passwd_tries=1' >/etc/sudoers.d/tries");
    const { kind, message } = await failureOn(host, operator({ sudoPassword: "wr0ng" }));
    await host.run("rm /etc/sudoers.d/tries");
    expect(kind).toBe("privilege");
    expect(message).toContain("incorrect password");
    expect(message).toContain("connection.sudoPassword");
    expect(message).not.toContain("sudo must let");
  });

  it("that asks again without a complaint wants a second factor, and is told so at once", async () => {
    await host.run(`
      printf '#!/bin/sh\nfor time in 1 2; do printf "%%s" "$4" >&2; read -r secret; done\n' >/usr/local/bin/sudo
      chmod 755 /usr/local/bin/sudo`);
    const { kind, message, took } = await failureOn(host, operator());
    await host.run("rm /usr/local/bin/sudo");
    expect(kind).toBe("privilege");
    expect(message).toContain("second factor");
    expect(message).not.toContain("did not accept");
    expect(took).toBeLessThan(6);
  });

  it("that asks in words of its own is quoted at once", async () => {
    await host.run(`
      printf '#!/bin/sh\nprintf "Verification code: " >&2\nread -r code\n' >/usr/local/bin/sudo
      chmod 755 /usr/local/bin/sudo`);
    const { kind, message, took } = await failureOn(host, operator());
    await host.run("rm /usr/local/bin/sudo");
    expect(kind).toBe("privilege");
    expect(message).toContain('sudo asks "Verification code:"');
    expect(took).toBeLessThan(6);
  });

  it("that knows no -p is named", async () => {
    await host.run(`
      printf '#!/bin/sh\necho "sudo: unexpected argument -p" >&2\nexit 1\n' >/usr/local/bin/sudo
      chmod 755 /usr/local/bin/sudo`);
    const { message } = await failureOn(host, operator());
    await host.run("rm /usr/local/bin/sudo");
    expect(message).toContain("sudo-rs before 0.2.5");
  });
});

describe("a host that cannot unpack a program", () => {
  it.each(["base64", "gzip"])("for want of %s is given it on stdin", async (tool) => {
    const host = await lab.host(`without-${tool}`, { withoutTools: [tool] });
    await serveAndLeave(operation(host), many);
    const sudoPassword = lab.passwords.login;
    await serveAndLeave(operation(host, { user: "operator", sudo: true, sudoPassword }));
  });
});

describe("dropbear", () => {
  it("takes no long command, and is given the program on stdin", async () => {
    const host = await lab.host("dropbear");
    await host.stopSsh();
    await host.run(`
      mkdir -p /etc/dropbear /run/dropbear
      dropbearkey -t ed25519 -f /etc/dropbear/key >/dev/null 2>&1
      dropbear -E -p ${host.port} -r /etc/dropbear/key -P /run/dropbear/pid >/dev/null 2>&1`);
    await serveAndLeave(operation(host), many);
    await serveAndLeave(operation(host, { user: "deploy", sudo: true }));
    const sudoPassword = lab.passwords.login;
    await serveAndLeave(operation(host, { user: "operator", sudo: true, sudoPassword }));
    await host.run("kill $(cat /run/dropbear/pid)");
  });
});
