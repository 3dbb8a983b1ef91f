// Whether a host is gone: what a policy may act on, and so what must never be wrong.
import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RealServerError } from "../../src/domain/errors";
import { pulumiAdvice } from "../../src/pulumi/advice";
import { command } from "../../lab/command";
import { Lab } from "../../lab/lab";
import type { LabHost } from "../../lab/host";
import { connectionTo, dialError, type Changes } from "./ssh-connection";

let lab: Lab;
let host: LabHost;
let bastion: LabHost;
beforeAll(async () => {
  lab = await Lab.create();
  [host, bastion] = await Promise.all([lab.host("web"), lab.host("bastion")]);
});
afterAll(() => lab.destroy());

/** What is made of a host by the words that Pulumi's users get. */
function verdict(error: RealServerError): { isGone: boolean; mayForget: boolean } {
  const mayForget = error.withAdvice(pulumiAdvice).includes("PULUMI_LVS_DR_FORGET");
  return { isGone: error.isGone, mayForget };
}

const GONE = { isGone: true, mayForget: true };
const THERE = { isGone: false, mayForget: false };

const dialled = (changes: Changes = {}, connectSeconds = 2): Promise<RealServerError> =>
  dialError(connectionTo(lab, host, changes), { connectSeconds });

describe("a host counts as gone", () => {
  it("that has gone silent", async () => {
    await host.cut();
    const error = await dialled({}, 5);
    await host.mend();
    expect(error.kind).toBe("unreachable");
    expect(verdict(error)).toEqual(GONE);
  });

  it("at whose address nobody is", async () => {
    const nobody = host.address.replace(/\d+$/, "250");
    const error = await dialled({ host: nobody, dialErrorLimit: 0 }, 20);
    expect(error.message).toContain("no route to the host");
    expect(verdict(error)).toEqual(GONE);
  });
});

describe("a host that answers is not gone", () => {
  it("though it refuses the connection: a kernel lives there", async () => {
    await host.stopSsh();
    const error = await dialled();
    await host.startSsh();
    expect(error.message).toContain("connection refused");
    expect(verdict(error)).toEqual(THERE);
  });

  it("though it fell silent after one refusal", async () => {
    await host.stopSsh();
    const connection = connectionTo(lab, host, { perDialTimeout: 1 });
    const cut = (line: string): void => {
      if (line.includes("refused")) void host.cut();
    };
    const error = await dialError(connection, { connectSeconds: 5, progress: cut });
    await host.mend();
    await host.startSsh();
    expect(error.message).not.toContain("connection refused");
    expect(verdict(error)).toEqual(THERE);
  });

  it("though its sshd is full, which is said", async () => {
    const full = await lab.host("full");
    await full.fillSsh();
    const error = await dialled({ host: full.address });
    expect(error.message).toContain("connection");
    expect(error.message).toContain("MaxStartups");
    expect(verdict(error)).toEqual(THERE);
  });

  it("though its login outlasts the time to connect", async () => {
    const slow = await lab.host("slow");
    await slow.run(`
      printf 'account required pam_exec.so /bin/sleep 30\n' >/etc/pam.d/sshd`);
    await slow.stopSsh();
    await slow.startSsh();
    const error = await dialled({ host: slow.address });
    expect(error.message).toContain("no answer to the login");
    expect(verdict(error)).toEqual(THERE);
  });

  it.each<[string, (socket: Socket) => void, string]>([
    [
      "turns us away in words of its own, which are quoted",
      (socket) => socket.end("Not allowed at this time\r\n"),
      "saying: Not allowed at this time",
    ],
    ["closes at once", (socket) => socket.end(), "onnection lost before handshake"],
    ["resets at once", (socket) => socket.resetAndDestroy(), "connection reset"],
    ["says nothing at all", () => undefined, "accepts the connection, and then no answer"],
    [
      "speaks another protocol",
      (socket) => socket.write("220 mail.example.org ESMTP\r\n"),
      "accepts the connection, and then no answer",
    ],
  ])("though what listens %s", async (_, serve, words) => {
    const server = await listening(serve);
    const { port } = server.address() as AddressInfo;
    const error = await dialled({ host: "127.0.0.1", port });
    server.close();
    expect(error.kind).toBe("unreachable");
    expect(error.message).toContain(words);
    expect(error.message).toContain("PerSourcePenalties");
    expect(verdict(error)).toEqual(THERE);
  });
});

describe("trouble on this side says nothing about the host", () => {
  it("such as a name that does not resolve", async () => {
    const error = await dialled({ host: "no-such-host.invalid" });
    expect(verdict(error)).toEqual(THERE);
  });

  it.each(["unreachable", "prohibit", "blackhole"])("such as a route of type %s", async (type) => {
    const lost = host.address.replace(/\d+$/, "251");
    await command("ip", ["route", "add", type, `${lost}/32`]);
    try {
      const error = await dialled({ host: lost });
      expect(error.kind).toBe("unreachable");
      expect(verdict(error)).toEqual(THERE);
    } finally {
      await command("ip", ["route", "del", type, `${lost}/32`]);
    }
  });
});

describe("nothing is proved behind a bastion", () => {
  const through = (changes: Changes = {}): Promise<RealServerError> =>
    dialled({ proxy: connectionTo(lab, bastion), ...changes }, 5);

  it("that is full", async () => {
    const free = await bastion.fillSsh();
    const error = await through();
    await free();
    expect(verdict(error)).toEqual(THERE);
  });

  it("that is silent", async () => {
    await bastion.cut();
    const error = await through();
    await bastion.mend();
    expect(verdict(error)).toEqual(THERE);
  });

  it("that says there is no route to the host", async () => {
    const nobody = host.address.replace(/\d+$/, "250");
    const error = await through({ host: nobody });
    expect(verdict(error)).toEqual(THERE);
  });
});

async function listening(serve: (socket: Socket) => void): Promise<Server> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    serve(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}
