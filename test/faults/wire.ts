import { spawn, type ChildProcess, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";

import { command } from "../../lab/command";
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

/** The network that VIPs are drawn from; tcpdump looks at senders in it. */
const SENDER_IS_VIP = "arp[14:4] & 0xffffff00 = 0xcb007100"; // 203.0.113.0/24

/**
 * The peer that asks for every VIP without pause, and the witness that records each answer and each
 * announcement on the bridge.
 */
export class Wire {
  readonly leaks: Leak[] = [];
  #asked = 0;
  /** The line that is not whole yet. */
  #rest = "";
  #marks = 0;
  readonly #last = new Map<string, Leak>();

  private constructor(
    private readonly lab: Lab,
    private readonly asker: ChildProcessByStdio<Writable, Readable, Readable>,
    private readonly witness: ChildProcess,
  ) {}

  /** @param vips IPv4 addresses of 203.0.113.0/24 */
  static async start(lab: Lab, vips: readonly string[]): Promise<Wire> {
    const [subnet] = /^\d+\.\d+\.\d+/.exec(lab.root.address) ?? [""];
    // .2 is the bridge's own address; nobody has those from .230 on.
    const args = ["br0", `${subnet}.2`, subnet, "230", "249", ...vips];
    const within = ["netns", "exec", lab.wire];
    const asker = spawn("ip", [...within, "perl", join(__dirname, "ask.pl"), ...args], {
      stdio: ["pipe", "pipe", "pipe"],
    });
    const filter = `arp and (${SENDER_IS_VIP} or arp[24:4] = 0x${hex(MARK)})`;
    const options = ["-n", "-e", "-l", "-tt", "--immediate-mode", "-i", "br0", filter];
    const witness = spawn("ip", [...within, "tcpdump", ...options], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const wire = new Wire(lab, asker, witness);
    asker.stdin.on("error", () => undefined);
    witness.stdout?.setEncoding("utf8").on("data", (text: string) => wire.#take(text));
    await Promise.all([
      saying(asker, asker.stdout, "asking"),
      saying(witness, witness.stderr, "listening on"),
    ]);
    return wire;
  }

  /** Sends packets for VIPs to a real server, too, so that it has to ask by ARP itself. */
  addServer(mac: string): void {
    this.asker.stdin.write(`${mac}\n`);
  }

  /** Resolves when all frames until now are in `leaks`: when a mark sent now is seen. */
  async settled(): Promise<void> {
    const before = this.#marks;
    const seen = new Promise<void>((resolve) => {
      const look = (): void => {
        if (this.#marks === before) return;
        this.witness.stdout?.off("data", look);
        resolve();
      };
      this.witness.stdout?.on("data", look);
    });
    const ask = ["arping", "-c", "1", "-w", "1", "-I", "br0", MARK];
    const asking = command("ip", ["netns", "exec", this.lab.wire, ...ask], { allowFailure: true });
    await Promise.all([seen, asking]);
  }

  /** Ends both. @returns how many ARP requests were sent in all */
  async stop(): Promise<number> {
    if (this.asker.exitCode === null) {
      this.asker.stdout.setEncoding("utf8").on("data", (text: string) => {
        this.#asked = Number(/asked (\d+)/.exec(text)?.[1] ?? this.#asked);
      });
      this.asker.stdin.end();
      await once(this.asker, "close");
      await this.settled();
      this.witness.kill("SIGTERM");
      await once(this.witness, "close");
    }
    return this.#asked;
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    this.#marks += lines.filter((line) => line.includes(MARK)).length;
    for (const leak of lines.flatMap(leakIn)) this.#add(leak);
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

/** An address that no lab has and no host answers for. */
const MARK = "198.19.255.253";

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

function hex(address: string): string {
  return Buffer.from(address.split(".").map(Number)).toString("hex");
}

async function saying(child: ChildProcess, stream: Readable | null, word: string): Promise<void> {
  let text = "";
  await new Promise<void>((resolve, reject) => {
    stream?.on("data", (piece: Buffer | string) => {
      text += String(piece);
      if (text.includes(word)) resolve();
    });
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`the wire cannot be watched: ${text}`)));
  });
}
