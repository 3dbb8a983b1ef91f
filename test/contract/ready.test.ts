import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { RealServerError } from "../../src/domain/errors";
import type { InspectConnection } from "../../src/inspect/types";
import { converge, withdraw } from "../../src/operation/converge";
import type { ReadyPolicy } from "../../src/operation/ready-words";
import type { Operation } from "../../src/operation/session";
import { pulumiAdvice } from "../../src/pulumi/advice";
import type { LabHost } from "../../lab/host";
import type { Keeper } from "../../lab/keeper";
import { Lab } from "../../lab/lab";
import { serveHealth } from "../../lab/web";
import { claim } from "../host/claims";
import { NOTHING, onLo, traces, VIP, VIP6 } from "../provider/stage";
import { noSshIsLeft, operationBy, SshHome } from "./openssh";

let lab: Lab;
let host: LabHost;
let behind: LabHost;
let home: SshHome;

const PLAIN = 80;
const TLS = 443;
/** Of the RIP alone. */
const RIP_ONLY = 8080;
const NOBODYS = 81;

beforeAll(async () => {
  lab = await Lab.create();
  [host, behind] = await Promise.all([lab.host("web"), lab.host("behind")]);
  home = await SshHome.make(lab);
  await Promise.all([
    serveHealth(host, { port: PLAIN }),
    serveHealth(host, { port: TLS, tls: true }),
    serveHealth(host, { address: host.address, port: RIP_ONLY }),
    serveHealth(behind, { port: PLAIN }),
  ]);
});
afterAll(async () => {
  await home.remove();
  await lab.destroy();
});

const bySsh2 = (to = host): InspectConnection => ({
  host: to.address,
  privateKey: lab.keys.plain.content,
  hostKey: to.hostKey,
});
const throughBastion = (): InspectConnection => ({ ...bySsh2(behind), proxy: bySsh2(host) });
const byOpenssh = async (to = host): Promise<InspectConnection> => ({
  host: to.name,
  ssh: { configFile: await home.config() },
});

type Ready = Partial<ReadyPolicy>;

const page = (path: string, more: Partial<NonNullable<ReadyPolicy["http"]>> = {}): Ready => ({
  http: { path, status: 200, https: false, ...more },
});
const overTls = (path: string, host?: string): Ready => ({
  port: TLS,
  ...page(path, { https: true, host }),
});

const WEB = claim("web", [VIP, VIP6]);

async function join(
  connection: InspectConnection,
  ready: Ready,
  changes: Partial<Operation> = {},
): Promise<void> {
  const policy = { port: PLAIN, timeoutSeconds: 30, ...ready };
  await converge(operationBy(connection, changes), WEB, { ready: policy });
}

async function leave(): Promise<void> {
  await withdraw(operationBy(bySsh2()), WEB, { sysctls: "restore" });
  expect(await traces(host)).toEqual(NOTHING);
}

/** The error of a host that does not join; nothing of ours is left on it. */
async function failure(...args: Parameters<typeof join>): Promise<RealServerError> {
  const error: unknown = await join(...args).catch((reason: unknown) => reason);
  if (!(error instanceof RealServerError)) throw new Error(`no error of ours: ${String(error)}`);
  // The shell there tidies up once it has answered.
  await expect.poll(() => traces(host), { timeout: 10_000 }).toEqual(NOTHING);
  expect(error.aftermath, error.message).toBe("rolled-back");
  return error;
}

/** Calls `act` once, when a row would say that the service is waited for. */
function whenWaiting(act: () => unknown, said: string[] = []): Pick<Operation, "progress"> {
  let done = false;
  return {
    progress(text) {
      said.push(text);
      if (done || !/^waiting for .*\(/.test(text)) return;
      done = true;
      void act();
    },
  };
}

describe("a host joins where", () => {
  it.each<[string, Ready]>([
    ["the port takes connections", {}],
    ["a page has its status", page("/healthz")],
    ["a page has the status that is asked for", page("/starting", { status: 503 })],
    ["a page of the site that is named has its status", page("/host", { host: "shop.example" })],
    ["a page over TLS has its status, whoever signed the certificate", overTls("/healthz")],
    ["a page over TLS is of the server that is named", overTls("/name", "shop.example:443")],
  ])("%s", async (_, ready) => {
    await join(bySsh2(), ready);
    expect(await onLo(host)).toEqual([`${VIP6}/128`, `${VIP}/32`]);
    await leave();
  });

  it("a page has its status by the user's own ssh, which leaves no process behind", async () => {
    await join(await byOpenssh(), page("/healthz"));
    await join(await byOpenssh(), {});
    await noSshIsLeft(home);
    await leave();
  });

  it("its service answers behind a bastion, which asks nobody itself", async () => {
    await join(throughBastion(), page("/healthz"));
    const away = { sysctls: "restore" } as const;
    await withdraw(operationBy(throughBastion()), WEB, away);
    expect(await traces(behind)).toEqual(NOTHING);
  });

  it("its service comes up in time, which is not that of the operation, here or there", async () => {
    const said: string[] = [];
    let late: Promise<Keeper> | undefined;
    const start = () => (late = pause(2500).then(() => serveHealth(host, { port: NOBODYS })));
    const timeouts = { connectSeconds: 10, operationSeconds: 2 };
    const changes = { timeouts, ...whenWaiting(start, said) };
    await join(bySsh2(), { port: NOBODYS, ...page("/healthz") }, changes);
    await (await late)?.end();
    expect(said.join("\n")).toContain(
      `waiting for GET http://${VIP}:${NOBODYS}/healthz (no connection, Connection refused) and 1 more, at most `,
    );
    await leave();
  });

  it("the VIPs that stay answer, whatever becomes of one that it drops", async () => {
    await join(bySsh2(), {});
    const fewer = { ...claim("web", [VIP6]), dropped: [VIP] };
    const ready = { port: PLAIN, timeoutSeconds: 5 };
    await converge(operationBy(bySsh2()), fewer, { ready });
    expect(await onLo(host)).toEqual([`${VIP6}/128`]);
    await leave();
  });

  it("nothing is to be done, and nobody is asked", async () => {
    await join(bySsh2(), {});
    await join(bySsh2(), { port: NOBODYS });
    await leave();
  });
});

describe("a host does not join, and nothing is left there, where", () => {
  const SHORT = { timeoutSeconds: 1 };

  it.each<[string, Ready, string]>([
    [
      "nobody listens",
      { port: NOBODYS },
      `${VIP}:${NOBODYS}: no connection, Connection refused, wanted a connection; ` +
        `[${VIP6}]:${NOBODYS}: no connection, Connection refused, wanted a connection. Does the service listen on the VIP`,
    ],
    [
      "the service listens on the RIP alone",
      { port: RIP_ONLY },
      `${VIP}:${RIP_ONLY}: no connection`,
    ],
    [
      "a page has another status",
      page("/starting"),
      `GET http://${VIP}/starting: status 503, wanted status 200; GET http://[${VIP6}]/starting: status 503`,
    ],
    [
      "a page redirects",
      page("/moved"),
      "status 301, to https://shop.example/healthz, wanted status 200",
    ],
    ["a page is of another site", page("/host"), `GET http://${VIP}/host: status 421, wanted`],
    ["a page never answers", page("/never"), `GET http://${VIP}/never: no answer for 1 s, wanted`],
    [
      "TLS is asked for and not spoken",
      page("/healthz", { https: true }),
      `GET https://${VIP}:${PLAIN}/healthz: no TLS, wrong version number, wanted status 200`,
    ],
  ])("%s", async (_, ready, message) => {
    const error = await failure(bySsh2(), { ...ready, ...SHORT });
    expect(error.kind).toBe("not-converged");
    const text = error.withAdvice(pulumiAdvice);
    expect(text).toContain(
      `${host.address}: the service is not ready after 1 s, asked from the host`,
    );
    expect(text).toContain(message);
    expect(text).toMatch(/raise ready\.timeoutSeconds\. The host was rolled back/);
  });

  it("nobody listens, by the user's own ssh", async () => {
    const error = await failure(await byOpenssh(), { port: NOBODYS, timeoutSeconds: 2 });
    expect(error.message).toContain(
      `[${VIP6}]:${NOBODYS}: no connection, Connection refused, wanted`,
    );
    await noSshIsLeft(home);
  });

  it("an update finds no service: it is as it was before that", async () => {
    await converge(operationBy(bySsh2()), { ...WEB, vips: WEB.vips.slice(0, 1) });
    const error: unknown = await join(bySsh2(), { port: NOBODYS, ...SHORT }).catch(
      (e: unknown) => e,
    );
    expect(error).toMatchObject({ kind: "not-converged", aftermath: "rolled-back" });
    expect(await onLo(host)).toEqual([`${VIP}/32`]);
    await leave();
  });

  it("it is stopped meanwhile", async () => {
    const stop = new AbortController();
    const changes = { signal: stop.signal, ...whenWaiting(() => stop.abort()) };
    const error: unknown = await join(bySsh2(), { port: NOBODYS }, changes).catch(
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(RealServerError);
    await expect.poll(() => traces(host), { timeout: 10_000 }).toEqual(NOTHING);
  });

  it("the connection is lost meanwhile, which the host itself undoes", async () => {
    const error = await failure(
      bySsh2(),
      { port: NOBODYS },
      whenWaiting(() => host.dropSsh()),
    );
    expect(error.message).toContain("the connection was lost");
  });
});

describe("a host whose sshd connects nobody does not join, and is not asked twice:", () => {
  const rules: [string, (to: LabHost) => Promise<unknown>][] = [
    ["sshd_config", (to) => to.editSshd("s/^AllowTcpForwarding yes/AllowTcpForwarding no/")],
    ["the key's line", (to) => to.run("sed -i 's/^/restrict /' /root/.ssh/authorized_keys")],
  ];

  it.each(rules)("by %s", async (_, forbid) => {
    await forbid(host);
    for (const connection of [bySsh2(), await byOpenssh()]) {
      const started = performance.now();
      const error = await failure(connection, { timeoutSeconds: 300 });
      expect(performance.now() - started).toBeLessThan(60_000);
      expect(error.kind).toBe("failed");
      const text = error.withAdvice(pulumiAdvice);
      expect(text).toMatch(/: sshd there does not connect to \S+:80 for \S.* \(administratively/);
      expect(text).toContain("key in authorized_keys there forbids it (restrict");
      expect(text).toContain("AllowTcpForwarding");
      expect(text).toContain("Allow it, or leave ready out. The host was rolled back");
    }
    await host.editSshd("s/^AllowTcpForwarding no/AllowTcpForwarding yes/");
    await host.run("sed -i 's/^restrict //' /root/.ssh/authorized_keys");
  });
});
