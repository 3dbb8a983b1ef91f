// The ssh process itself: whatever befalls it, the host rolls back and nothing is left here.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir } from "node:fs/promises";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";

import { RealServerError } from "../../src/domain/errors";
import { converge, withdraw } from "../../src/operation/converge";
import type { Operation } from "../../src/operation/session";
import { command } from "../../lab/command";
import { Lab } from "../../lab/lab";
import type { LabHost } from "../../lab/host";
import { processesWith, signalProcess } from "../../lab/processes";
import { ProcessSampler, Secrets } from "../faults/secrets";
import { claim as claimed } from "../host/claims";
import { noSshIsLeft, operationBy, SshHome } from "./openssh";

const VIP = "203.0.113.10";
const claim = claimed("a test", [VIP]);

let lab: Lab;
let home: SshHome;
let host: LabHost;
let configFile: string;

beforeAll(async () => {
  lab = await Lab.create();
  [host] = await Promise.all([lab.host("web-1"), lab.host("jump-1")]);
  home = await SshHome.make(lab);
  const master = `ControlMaster auto\nControlPath ${home.path("master-%C")}\nControlPersist 60\n`;
  configFile = await home.config(`Host web-1\n  ProxyJump jump-1\nHost *\n${master}`);
  // Binding dawdles, so that something can happen meanwhile.
  await host.run(`real=$(command -v ip); cat >/usr/local/sbin/ip <<'END'
#!/bin/sh
case "$*" in *batch*) ;; *) exec REAL "$@" ;; esac
cat >/run/batch
! grep -q 'addr add' /run/batch || { touch /run/binding; sleep 2; }
exec REAL "$@" </run/batch
END
    sed -i "s,REAL,$real,g" /usr/local/sbin/ip; chmod 755 /usr/local/sbin/ip`);
  await mkdir(home.path("tmp"));
});
afterAll(async () => {
  await lab.destroy();
  await home.remove();
});
beforeEach(() => vi.stubEnv("TMPDIR", home.path("tmp")));
afterEach(async () => {
  vi.unstubAllEnvs();
  await noSshIsLeft(home);
  // A process of tsx has a folder of its own there.
  const files = await readdir(home.path("tmp"));
  expect(files.filter((name) => name.startsWith("pulumi-lvs-dr"))).toEqual([]);
  await host.run("rm -f /run/binding");
});

/** Waits until the host is binding a VIP. */
async function binding(): Promise<void> {
  await host.run("timeout 30 sh -c 'until [ -e /run/binding ]; do sleep 0.02; done'");
}

/** The ids of our ssh and of its jump. */
async function sshIds(pid = process.pid): Promise<number[]> {
  const isOurs = (word: string): boolean => word.startsWith(`/proc/${pid}/fd/`);
  const all = await processesWith((words) => words[0] === "ssh" && words.some(isOurs));
  return all.map((one) => one.pid);
}

async function rolledBack(): Promise<void> {
  const lo = async () => (await host.run("ip -o addr show dev lo")).stdout;
  await expect.poll(lo, { timeout: 30_000 }).not.toContain(VIP);
  const registry = async () => (await host.run("ls /var/lib", {})).stdout;
  await expect.poll(registry, { timeout: 30_000 }).not.toContain("lvs-dr");
}

/** The error of a converging create that something befalls while it binds. */
async function befallen(
  what: (operation: Operation) => Promise<void>,
  changes: Partial<Operation> = {},
): Promise<RealServerError> {
  const operation = operationBy({ host: "web-1", ssh: { configFile } }, changes);
  const over = converge(operation, claim).catch((error: unknown) => error);
  await binding();
  await what(operation);
  const error = await over;
  if (error instanceof RealServerError) return error;
  throw new Error(`no error of ours: ${String(error)}`);
}

describe("an ssh", () => {
  it("that is killed is a lost connection, and the host is asked what became of it", async () => {
    const error = await befallen(async () => {
      for (const pid of await sshIds()) signalProcess(pid, "SIGKILL");
    });
    expect(error).toMatchObject({ kind: "failed", aftermath: "rolled-back" });
    expect(error.message).toContain("the connection was lost");
    await rolledBack();
  });

  it("that is stopped is killed when the time is over", async () => {
    const timeouts = { connectSeconds: 10, operationSeconds: 5 };
    const error = await befallen(
      async () => {
        for (const pid of await sshIds()) signalProcess(pid, "SIGSTOP");
      },
      { timeouts },
    );
    expect(error.aftermath).toBe("rolled-back");
    await noSshIsLeft(home);
    await rolledBack();
  });

  it("ends with an operation that is interrupted", async () => {
    const interruption = new AbortController();
    const { signal } = interruption;
    const error = await befallen(async () => interruption.abort(new Error("^C")), { signal });
    expect(error.aftermath).toBe("unknown");
    await rolledBack();
  });

  it("ends with a dialling that is interrupted", async () => {
    const interruption = new AbortController();
    const connection = { host: "192.0.2.1", ssh: { options: ["ProxyCommand=sleep 4321.5"] } };
    const operation = operationBy(connection, { signal: interruption.signal });
    const over = converge(operation, claim).catch((error: unknown) => error);
    await expect.poll(() => sshIds(), { timeout: 10_000 }).not.toEqual([]);
    interruption.abort(new RealServerError("failed", "interrupted"));
    expect(await over).toMatchObject({ kind: "failed", aftermath: "untouched" });
    await noSshIsLeft(home);
    const sleeping = () => processesWith((words) => words.join(" ") === "sleep 4321.5");
    await expect.poll(sleeping, { timeout: 5000 }).toEqual([]);
  });

  it("ends with the process that started it, even by kill -9", async () => {
    const script = path.join(__dirname, "fixtures/converge-by-ssh.ts");
    const words = [JSON.stringify({ host: "web-1", ssh: { configFile } })];
    const child = spawn(process.execPath, ["--import", "tsx", script, ...words], {
      stdio: ["ignore", "inherit", "inherit"],
    });
    await binding();
    const { pid = 0 } = child;
    expect(await sshIds(pid)).toHaveLength(2);
    child.kill("SIGKILL");
    await once(child, "exit");
    await rolledBack();
    await expect.poll(() => sshIds(pid), { timeout: 20_000 }).toEqual([]);
  });
});

describe("an operation by ssh", () => {
  it("shows no secret in a process list or an environment, here and on the host", async () => {
    const secrets = new Secrets(lab);
    const sudoPassword = lab.passwords.login;
    vi.stubEnv("PULUMI_CONFIG_PASSPHRASE", "drawn-for-this-test-alone");
    const connection = { host: "web-1", user: "operator", sudoPassword, ssh: { configFile } };
    const operation = operationBy(connection);
    const sampler = new ProcessSampler(secrets);
    const over = converge(operation, claim);
    await binding();
    const environments = await command("sh", [
      "-c",
      `cat ${(await sshIds()).map((pid) => `/proc/${pid}/environ`).join(" ")}`,
    ]);
    const { saved } = await over;
    await withdraw(operation, { ...claim, saved }, { sysctls: "restore" });
    sampler.stop();
    expect(environments.stdout).toContain("SSH_ASKPASS_REQUIRE=never");
    expect(environments.stdout).not.toContain("drawn-for-this-test-alone");
    expect(sampler.samples).toBeGreaterThan(3);
    expect([...sampler.found]).toEqual([]);
    await rolledBack();
  });
});
