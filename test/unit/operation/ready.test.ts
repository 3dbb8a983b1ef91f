import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { RealServerError } from "../../../src/domain/errors";
import { readiness } from "../../../src/operation/ready";
import type { Session } from "../../../src/operation/session";
import type { FromHost, Transport } from "../../../src/transport/transport";

const REFUSED: FromHost = { kind: "not-connected", words: "Connection refused" };
const connected = (): FromHost => ({ kind: "connected", stream: new PassThrough() });

/** Waits for some VIPs on a host that connects as it is told. */
async function wait(
  vips: readonly string[],
  connect: Transport["connect"],
  { timeoutSeconds = 30, ended = new AbortController().signal } = {},
): Promise<void> {
  const session = {
    operation: { login: { user: "deploy", sudo: false }, progress: () => undefined },
    conversation: { ended },
    connect,
  } as unknown as Session;
  await readiness(vips, { port: 80, timeoutSeconds })?.wait(session);
}

const vips = Array.from({ length: 9 }, (_, at) => `203.0.113.${at + 1}`);

describe("the wait for a service", () => {
  it("is none where nobody asks for one", () => {
    expect(readiness(vips, undefined)).toBeUndefined();
  });

  it("asks every VIP, four at once at most, and again those alone that are not ready", async () => {
    const asked: string[] = [];
    let [now, most] = [0, 0];
    await wait(vips, async ({ address }) => {
      const isFirst = !asked.includes(address);
      asked.push(address);
      most = Math.max(most, ++now);
      await Promise.resolve();
      now -= 1;
      return isFirst && address.endsWith("3") ? REFUSED : connected();
    });
    expect(asked).toEqual([...vips, "203.0.113.3"]);
    expect(most).toBe(4);
  });

  it("tells of what was seen before its end cut the last try short", async () => {
    let tries = 0;
    const failed = wait(
      vips.slice(0, 1),
      async (_, signal) => {
        tries += 1;
        if (tries === 1) return REFUSED;
        return new Promise((_, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason as Error)),
        );
      },
      { timeoutSeconds: 1.5 },
    );
    await expect(failed).rejects.toThrow(/203\.0\.113\.1:80: no connection, Connection refused/);
    expect(tries).toBe(2);
  });

  it("is over at once where the host connects nobody, and where a login is refused", async () => {
    let tries = 0;
    const forbidden = wait(vips.slice(0, 1), async () => {
      tries += 1;
      return { kind: "forbidden", words: "administratively prohibited: open failed" };
    });
    await expect(forbidden).rejects.toThrow(/sshd there does not connect to 203\.0\.113\.1:80/);
    const refused = new RealServerError("authentication", "web-1 does not let ssh in");
    const login = wait(vips.slice(0, 1), async () => {
      tries += 1;
      throw refused;
    });
    await expect(login).rejects.toBe(refused);
    expect(tries).toBe(2);
  });

  it("is over when the conversation is, with the reason of that", async () => {
    const conversation = new AbortController();
    const reason = new Error("the connection was lost");
    const waiting = wait(
      vips,
      async () => {
        setTimeout(() => conversation.abort(reason), 50);
        return REFUSED;
      },
      { ended: conversation.signal },
    );
    await expect(waiting).rejects.toBe(reason);
  });
});
