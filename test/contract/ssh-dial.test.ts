import { pulumiAdvice } from "../../src/pulumi/advice";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { RealServerError } from "../../src/domain/errors";
import { dial } from "../../src/transport/ssh2/dial";
import { Lab } from "../../lab/lab";
import type { LabHost } from "../../lab/host";
import {
  connectionTo,
  dialError,
  options,
  text,
  userAfterLogin,
  withTransport,
} from "./ssh-connection";

let lab: Lab;
let host: LabHost;

beforeAll(async () => {
  lab = await Lab.create();
  host = await lab.host("web");
});
afterAll(() => lab.destroy());

describe("a host that does not answer", () => {
  it("is dialled again until its sshd listens, and says so", async () => {
    await host.stopSsh();
    const said: string[] = [];
    const progress = (line: string): void => {
      said.push(line);
      if (said.length === 3) void host.startSsh();
    };
    await expect(userAfterLogin(connectionTo(lab, host), { progress })).resolves.toBe("root");
    expect(said[0]).toBe(`dialling ${host.address}:22`);
    expect(said[1]).toBe(`dialling ${host.address}:22 again (connection refused)`);
  });

  it("is given up when connectSeconds are over, with the ways out", async () => {
    await host.stopSsh();
    const start = performance.now();
    const error = await dialError(connectionTo(lab, host), { connectSeconds: 2 });
    await host.startSsh();
    const seconds = (performance.now() - start) / 1000;
    expect(seconds).toBeGreaterThan(1.5);
    expect(seconds).toBeLessThan(4);
    expect(error.kind).toBe("unreachable");
    expect(error.message).toMatch(/cannot be reached: connection refused \(\d attempts in 2 s\)/);
    const message = error.withAdvice(pulumiAdvice);
    for (const hint of ["--exclude <urn>", "--refresh=false", 'unreachableOnRefresh: "keep"']) {
      expect(message).toContain(hint);
    }
  });

  it("is dialled dialErrorLimit times more than once", async () => {
    await host.stopSsh();
    const single = await dialError(connectionTo(lab, host, { dialErrorLimit: 0 }));
    const twice = await dialError(connectionTo(lab, host, { dialErrorLimit: 1 }));
    await host.startSsh();
    expect(single.message).toContain("(1 attempt in 0 s, as many as dialErrorLimit allows)");
    expect(twice.message).toContain("(2 attempts in 1 s, as many as dialErrorLimit allows)");
  });

  it("is waited for perDialTimeout at a time when its port is silent", async () => {
    await host.cut();
    const said: string[] = [];
    const error = await dialError(connectionTo(lab, host, { perDialTimeout: 1 }), {
      connectSeconds: 3,
      progress: (line) => said.push(line),
    });
    await host.mend();
    expect(error.kind).toBe("unreachable");
    expect(said[1]).toBe(`dialling ${host.address}:22 again (no answer for 1 s)`);
  });

  it("is waited for as long when the port opens and nobody speaks", async () => {
    const server = createServer(() => undefined).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const mute = connectionTo(lab, host, { host: "127.0.0.1", port, perDialTimeout: 1 });
    const error = await dialError({ ...mute, dialErrorLimit: 0 });
    server.close();
    expect(error.message).toContain("no answer for 1 s");
  });

  it("is dialled again when what answers hangs up or is no SSH server, with its words made plain", async () => {
    const server = createServer((socket) => socket.end("\u001b[31mHTTP/1.1 400\r\n\r\n"));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const web = connectionTo(lab, host, { host: "127.0.0.1", port, dialErrorLimit: 1 });
    const error = await dialError(web);
    server.close();
    expect(error.kind).toBe("unreachable");
    expect(error.message).not.toContain("\u001b");
  });

  it("may have a name that does not resolve", async () => {
    const error = await dialError(
      connectionTo(lab, host, { host: "no-such-host.invalid", dialErrorLimit: 0 }),
    );
    expect(error.kind).toBe("unreachable");
    expect(error.message).toMatch(/does not resolve|no name server answers/);
  });
});

describe("a host that answers", () => {
  it("is dialled again while it boots and hangs up on users other than root", async () => {
    const booting = await lab.host("booting");
    await booting.run("printf '\\033[1mSystem is booting up.\\033[0m\\n' > /run/nologin");
    await booting.stopSsh();
    await booting.startSsh();
    const said: string[] = [];
    const progress = (line: string): void => {
      said.push(line);
      if (said.length === 2) void booting.run("rm /run/nologin");
    };
    const connection = connectionTo(lab, booting, { user: "deploy" });
    await expect(userAfterLogin(connection, { progress })).resolves.toBe("deploy");
    expect(said[1]).toBe(
      `dialling ${booting.address}:22 again (connection closed during the login, saying: System is booting up.)`,
    );
  });

  it("is not dialled again where the account has expired, and is quoted", async () => {
    const closed = await lab.host("expired");
    await closed.run(
      "sed -i 's/^UsePAM no/UsePAM yes/' /etc/ssh/lab_sshd_config; chage -E 0 deploy",
    );
    await closed.stopSsh();
    await closed.startSsh();
    const said: string[] = [];
    const progress = (line: string): void => void said.push(line);
    const error = await dialError(connectionTo(lab, closed, { user: "deploy" }), { progress });
    expect(error.kind).toBe("authentication");
    expect(error.message).toContain("it says: Your account has expired");
    expect(error.message).not.toContain("authorized_keys");
    expect(said).toHaveLength(1);
  });

  it("is not dialled again after a wrong key or a wrong host key", async () => {
    const said: string[] = [];
    const progress = (line: string): void => void said.push(line);
    await dialError(connectionTo(lab, host, { privateKey: lab.keys.unknown.content }), {
      progress,
    });
    await dialError(connectionTo(lab, host, { hostKey: lab.keys.unknown.publicKey }), { progress });
    expect(said).toEqual(Array(2).fill(`dialling ${host.address}:22`));
  });
});

describe("dialling that is stopped", () => {
  it("ends at once in mid-dial, with the signal's own error", async () => {
    await host.cut();
    const stop = new AbortController();
    const reason = new RealServerError("timed-out", "the operation's time is over");
    const dialling = dial(connectionTo(lab, host), options({ signal: stop.signal }));
    const start = performance.now();
    setTimeout(() => stop.abort(reason), 100);
    await expect(dialling).rejects.toBe(reason);
    expect(performance.now() - start).toBeLessThan(1000);
    await host.mend();
  });

  it("ends at once between two attempts, as timed-out", async () => {
    await host.stopSsh();
    const stop = new AbortController();
    const progress = (line: string): void => {
      if (line.includes("again")) stop.abort();
    };
    const error = await dialError(connectionTo(lab, host), { signal: stop.signal, progress });
    await host.startSsh();
    expect(error.kind).toBe("timed-out");
    expect(error.message).toContain(`Stopped while dialling ${host.address}:22`);
  });

  it("does not begin when the signal is aborted already", async () => {
    const error = await dialError(connectionTo(lab, host), { signal: AbortSignal.abort() });
    expect(error.kind).toBe("timed-out");
  });
});

describe("a channel", () => {
  it("carries stdin, stdout, stderr and the exit status", async () => {
    await withTransport(connectionTo(lab, host), options(), async (transport) => {
      const channel = await transport.exec("cat; echo oops >&2; exit 7");
      let oops = "";
      channel.stderr.setEncoding("utf8").on("data", (part: string) => (oops += part));
      channel.stdin.end("hello\n");
      expect(await text(channel)).toBe("hello\n");
      expect(await channel.closed).toEqual({ code: 7 });
      expect(oops).toBe("oops\n");
    });
  });

  it("reports the signal that ended its command", async () => {
    await withTransport(connectionTo(lab, host), options(), async (transport) => {
      const channel = await transport.exec("kill -TERM $$");
      await text(channel);
      expect(await channel.closed).toEqual({ signal: "SIGTERM" });
    });
  });

  it("carries a command of 120 KiB", async () => {
    await withTransport(connectionTo(lab, host), options(), async (transport) => {
      const channel = await transport.exec(`: '${"x".repeat(120 * 1024)}'; echo done`);
      expect(await text(channel)).toBe("done\n");
    });
  });

  it("is closed when the connection drops in mid-answer, and no other command can start", async () => {
    const transport = await dial(connectionTo(lab, host), options());
    const channel = await transport.exec("echo begun; sleep 1000");
    await once(channel.stdout, "data");
    await host.dropSsh();
    expect(await channel.closed).toEqual({});
    await expect(transport.exec("true"), "it is not gone").rejects.toMatchObject({
      kind: "failed",
    });
    transport.close();
  });

  it("is closed when the host falls silent in mid-answer", async () => {
    const transport = await dial(connectionTo(lab, host), options());
    const channel = await transport.exec("echo begun; sleep 1000");
    await once(channel.stdout, "data");
    await host.cut();
    expect(await channel.closed).toEqual({});
    await host.mend();
    transport.close();
  });

  it("ends its command's input when the transport is closed", async () => {
    const transport = await dial(connectionTo(lab, host), options());
    const channel = await transport.exec("cat; touch /run/input-ended");
    transport.close();
    await channel.closed;
    await expect.poll(() => host.run("ls /run/input-ended").then((r) => r.status)).toBe(0);
  });

  it("is refused by a host that runs no commands", async () => {
    const other = await lab.host("closed");
    await other.run("echo MaxSessions 0 >> /etc/ssh/lab_sshd_config");
    await other.stopSsh();
    await other.startSsh();
    await withTransport(connectionTo(lab, other), options(), async (transport) => {
      await expect(transport.exec("true")).rejects.toMatchObject({
        kind: "failed",
        message: expect.stringContaining("refuses to run a command") as string,
      });
    });
  });
});

it("a closed transport to a host gone silent lets the process end", async () => {
  const program = join(__dirname, "fixtures/close-when-told.ts");
  const args = ["--import", "tsx", program, JSON.stringify(connectionTo(lab, host))];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  const exit = once(child, "exit");
  await Promise.race([once(child.stdout, "data"), exit]);
  await host.cut();
  const start = performance.now();
  child.stdin.write("close\n");
  const [code] = (await exit) as [number];
  await host.mend();
  expect(code).toBe(0);
  expect(performance.now() - start).toBeLessThan(2500);
});
