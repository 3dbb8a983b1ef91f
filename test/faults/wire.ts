import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";

import { startCapture, type Capture } from "../../lab/capture";
import type { Lab } from "../../lab/lab";

/**
 * Frames in which a real server gave itself away, answers or requests with a VIP as sender, close
 * together.
 */
export interface Leak {
  /** When the first was on the wire, in milliseconds as Date.now() counts them. */
  readonly from: number;
  /** The last. */
  to: number;
  frames: number;
  readonly how: "answered" | "announced";
  /** Of the NIC that sent it, lower case. */
  readonly mac: string;
  readonly vip: string;
  /** The first, as tcpdump prints it. */
  readonly frame: string;
}

/** The network that VIPs are drawn from, 203.0.113.0/24. */
const SENDER_IS_VIP = "arp[14:4] & 0xffffff00 = 0xcb007100";

/**
 * The peer that asks for every VIP without pause, and the witness that records each answer and each
 * announcement on the bridge.
 */
export class Wire {
  readonly leaks: Leak[] = [];
  #asked = 0;
  readonly #last = new Map<string, Leak>();

  private constructor(
    private readonly asker: ChildProcessByStdio<Writable, Readable, Readable>,
    private readonly witness: Capture,
  ) {}

  /** @param vips IPv4 addresses of 203.0.113.0/24 */
  static async start(lab: Lab, vips: readonly string[]): Promise<Wire> {
    const [subnet] = /^\d+\.\d+\.\d+/.exec(lab.root.address) ?? [""];
    // .2 is the bridge's own address; nobody has those from .230 on.
    const args = ["br0", `${subnet}.2`, subnet, "230", "249", ...vips];
    const perl = ["netns", "exec", lab.wire, "perl", join(__dirname, "ask.pl"), ...args];
    const asker = spawn("ip", perl, { stdio: ["pipe", "pipe", "pipe"] });
    const leak = (frame: string): void => leakIn(frame).forEach((one) => wire.#add(one));
    const wire = new Wire(asker, await startCapture(lab.wire, `arp and ${SENDER_IS_VIP}`, leak));
    asker.stdin.on("error", () => undefined);
    await new Promise((resolve, reject) => {
      const fail = () => reject(new Error(`the wire cannot be asked: ${asker.stderr.read()}`));
      asker.once("close", fail);
      asker.stdout.once("data", resolve);
    });
    return wire;
  }

  /** Sends packets for VIPs to a real server, too, so that it has to ask by ARP itself. */
  addServer(mac: string): void {
    this.asker.stdin.write(`${mac}\n`);
  }

  /** Resolves when all frames until now are in `leaks`. */
  async settled(): Promise<void> {
    await this.witness.settled();
  }

  /** Ends both. @returns how many ARP requests were sent in all */
  async stop(): Promise<number> {
    if (this.asker.exitCode === null) {
      this.asker.stdout.setEncoding("utf8").on("data", (text: string) => {
        this.#asked = Number(/asked (\d+)/.exec(text)?.[1] ?? this.#asked);
      });
      this.asker.stdin.end();
      await once(this.asker, "close");
      await this.witness.stop();
    }
    return this.#asked;
  }

  // A host that is loud answers hundreds of times a second.
  #add(leak: Leak): void {
    const key = `${leak.mac} ${leak.vip} ${leak.how}`;
    const last = this.#last.get(key);
    if (last !== undefined && leak.from - last.to < 50) {
      last.to = leak.from;
      last.frames += 1;
    } else {
      this.#last.set(key, leak);
      this.leaks.push(leak);
    }
  }
}

// 1795473000.123456 02:5c:00:00:01:0b > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: Reply 203.0.113.1 is-at ...
function leakIn(frame: string): Leak[] {
  const match = /^(\d+\.\d+) ([0-9a-f:]{17}) > .*?: (.*)$/.exec(frame);
  const [, seconds = "", mac = "", what = ""] = match ?? [];
  const vip = /(203\.0\.113\.\d+) is-at|tell (203\.0\.113\.\d+)/.exec(what);
  if (vip === null) return [];
  const at = Number(seconds) * 1000;
  const how = vip[1] === undefined ? "announced" : "answered";
  return [{ from: at, to: at, frames: 1, how, mac, vip: vip[1] ?? vip[2] ?? "", frame }];
}
