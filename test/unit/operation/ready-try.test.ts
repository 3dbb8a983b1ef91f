import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { tryOnce } from "../../../src/operation/ready-try";
import type { ReadyRequest } from "../../../src/operation/ready-words";
import type { Transport } from "../../../src/transport/transport";

const servers: ReturnType<typeof createServer>[] = [];
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

/** A service that says what it is told to, whatever it is asked. @returns its port */
async function service(speak: (socket: Socket, heard: string) => void): Promise<number> {
  const server = createServer((socket) => {
    sockets.push(socket.on("error", () => undefined));
    socket.on("data", (chunk) => speak(socket, chunk.toString()));
  });
  servers.push(server.listen(0, "127.0.0.1"));
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** What a transport does for a host, on this machine. */
const fromHere: Transport["connect"] = async ({ address, port }, signal) => {
  const stream = connect({ host: address, port, signal });
  sockets.push(stream.on("error", () => undefined));
  await once(stream, "connect");
  return { kind: "connected", stream };
};

const PAGE: ReadyRequest = { path: "/healthz", status: 200, https: false };

async function seen(port: number, changes: Partial<ReadyRequest> = {}, seconds = 10) {
  const ended = new AbortController().signal;
  const to = { address: "127.0.0.1", port };
  return tryOnce(fromHere, to, { ...PAGE, ...changes }, { ended, seconds });
}

describe("a try", () => {
  it("asks for a page by GET, of the address or of the site that is named", async () => {
    const heard: string[] = [];
    const port = await service((socket, text) => {
      heard.push(text);
      socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
    expect(await seen(port)).toEqual({ kind: "answered", status: 200, location: undefined });
    await seen(port, { host: "shop.example" });
    expect(heard[0]).toMatch(/^GET \/healthz HTTP\/1\.1\r\n/);
    expect(heard[0]?.toLowerCase()).toContain(`host: 127.0.0.1:${port}\r\n`);
    expect(heard[0]?.toLowerCase()).toContain("connection: close\r\n");
    expect(heard[1]?.toLowerCase()).toContain("host: shop.example\r\n");
  });

  it("reads no more than the head of an answer, though its body never ends", async () => {
    const port = await service((socket) => {
      socket.write("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 301 Moved\r\nLocation: /else\r\n\r\n");
      const timer = setInterval(() => socket.write("x".repeat(1000)), 1);
      socket.on("close", () => clearInterval(timer));
    });
    expect(await seen(port)).toEqual({ kind: "answered", status: 301, location: "/else" });
    await expect.poll(() => sockets.every(({ destroyed }) => destroyed)).toBe(true);
  });

  it.each<[string, string, Partial<ReadyRequest>, RegExp]>([
    ["that is no HTTP", "SSH-2.0-x\r\n", {}, /^Parse Error/],
    [
      "whose head is without end",
      `HTTP/1.1 200 OK\r\nX: ${"x".repeat(20_000)}`,
      {},
      /Header overflow/i,
    ],
  ])("sees an answer %s as none", async (_, answer, changes, words) => {
    const port = await service((socket) => socket.write(answer));
    expect(await seen(port, changes)).toEqual({
      ...{ kind: "not-answered", layer: "HTTP" },
      words: expect.stringMatching(words) as string,
    });
  });

  it.each<[string, string]>([
    ["the lines end as a shell's do", "HTTP/1.0 200 OK\nContent-Type: text/plain\n\nok\n"],
    ["the head is long", `HTTP/1.1 200 OK\r\nX: ${"x".repeat(15_000)}\r\n\r\n`],
    [
      "the length is said twice",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\nok",
    ],
    ["a header has a control character", "HTTP/1.1 200 OK\r\nX: \u0001\r\n\r\n"],
  ])("sees a status where %s", async (_, answer) => {
    const port = await service((socket) => socket.end(answer));
    expect(await seen(port)).toEqual({ kind: "answered", status: 200, location: undefined });
  });

  it("is over where somebody speaks another protocol from there on", async () => {
    const head =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    const port = await service((socket) => socket.write(head));
    expect(await seen(port)).toEqual({ kind: "answered", status: 101, location: undefined });
  });

  it("sees a connection that is closed at once, with TLS and without", async () => {
    const port = await service((socket) => socket.destroy());
    expect(await seen(port)).toMatchObject({ kind: "not-answered", layer: "HTTP" });
    expect(await seen(port, { https: true })).toMatchObject({ kind: "not-answered", layer: "TLS" });
  });

  it("says that TLS is not spoken, in OpenSSL's words", async () => {
    const port = await service((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    expect(await seen(port, { https: true })).toEqual({
      ...{ kind: "not-answered", layer: "TLS", words: "wrong version number" },
    });
  });

  it("is over in time, though somebody says a little now and then", async () => {
    const port = await service((socket) => {
      socket.write("HTTP/1.1 200 OK\r\n");
      const timer = setInterval(() => socket.write("X: x\r\n"), 20);
      socket.on("close", () => clearInterval(timer));
    });
    expect(await seen(port, {}, 0.3)).toEqual({ kind: "silent", seconds: 0.3 });
    expect(await seen(port, { https: true }, 0.3)).toMatchObject({ layer: "TLS" });
  });

  it("is over when all is, with the reason of that", async () => {
    const port = await service(() => undefined);
    const all = new AbortController();
    const tried = tryOnce(fromHere, { address: "127.0.0.1", port }, PAGE, {
      ...{ ended: all.signal, seconds: 10 },
    });
    const reason = new Error("the connection was lost");
    all.abort(reason);
    await expect(tried).rejects.toBe(reason);
  });
});
