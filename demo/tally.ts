import type { StreamResult } from "../lab/client";
import type { VipFrames } from "../lab/vip-frames";
import type { Narrator } from "./narrator";

/** Requests by who served them. */
export type Served = Pick<StreamResult, "sent" | "answered" | "failures">;

/** Keeps what the steps counted for the end. */
export class Tally {
  readonly #requests: string[][] = [];
  readonly #frames: string[][] = [];

  /** Notes what the steps that `title` names counted. */
  add(title: string, served: Served, frames: readonly VipFrames[], director: string): void {
    const { sent, answered, failures } = served;
    const servers = SERVERS.map((name) => answered[name] ?? 0);
    this.#requests.push([title, ...[sent, failures.length, ...servers].map(String)]);
    const total = (count: (one: VipFrames) => number) =>
      String(frames.reduce((sum, one) => sum + count(one), 0));
    const asked = total(({ requests }) => requests);
    const right = total(({ answers }) => answers[director] ?? 0);
    this.#frames.push([title, asked, right, total((one) => byOthers(one, director))]);
  }

  /** Shows it all, and how long each step took. */
  show(narrator: Narrator): void {
    const { seconds } = narrator;
    narrator.heading("In numbers");
    narrator.table([["requests", "sent", "failed", ...SERVERS], ...this.#requests]);
    narrator.table([["who has a VIP?", "asked", "director", "real servers"], ...this.#frames]);
    narrator.table([
      ["step", "lab", ...seconds.slice(1).map((_, at) => String(at + 1))],
      ["seconds", ...seconds.map((one) => one.toFixed(0))],
    ]);
  }
}

const SERVERS = ["rs1", "rs2", "rs3"];

/** How often somebody else than the director said that a VIP is his, by an answer or otherwise. */
export function byOthers({ answers, announcements }: VipFrames, director: string): number {
  const others = [...Object.entries(answers), ...Object.entries(announcements)];
  return others.reduce((sum, [mac, times]) => sum + (mac === director ? 0 : times), 0);
}

/** A request answered is one more for who served it. */
export function served(answers: readonly { readonly servedBy: string }[]): Served {
  const answered: Record<string, number> = {};
  for (const { servedBy } of answers) answered[servedBy] = (answered[servedBy] ?? 0) + 1;
  return { sent: answers.length, answered, failures: [] };
}
