import fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { Turn } from "./proxy";
import { momentIn } from "./traffic";

const up = (bytes: number): Turn => ({ direction: "up", bytes });
const down = (bytes: number): Turn => ({ direction: "down", bytes });
/** Handshake, script, observation, request, answer, commit, answer, good-bye. */
const CREATE = [up(22), down(1145), up(976), down(532), up(27_380), down(1500), up(450)].concat(
  ...[down(2500), up(52), down(180), up(124)],
);
const at = (direction: "up" | "down", part: "connecting" | "turns" | "bytes", share: number) =>
  momentIn(CREATE, { direction, part, at: share });

describe("where a fault comes in what an operation sends", () => {
  it("while it connects: by bytes, up to the script's last", () => {
    expect(at("up", "connecting", 0)).toMatchObject({ turn: 0, bytes: 0 });
    expect(at("up", "connecting", 0.5)).toMatchObject({ turn: 0, bytes: 14_189 });
    expect(at("down", "connecting", 0.9999)).toMatchObject({ turn: 0, bytes: 1677 });
  });
  it("by turns: each is as likely, however short", () => {
    expect(at("up", "turns", 0.25)).toMatchObject({ turn: 1, bytes: 225 });
    expect(at("up", "turns", 0.75)).toMatchObject({ turn: 2, bytes: 26 });
    expect(at("down", "turns", 0.99)).toMatchObject({ turn: 3, bytes: 175 });
  });
  it("by bytes: each is as likely, so long turns are", () => {
    expect(at("up", "bytes", 0.75)).toMatchObject({ turn: 1, bytes: 377 });
    expect(at("up", "bytes", 0.999)).toMatchObject({ turn: 2, bytes: 51 });
    expect(at("down", "bytes", 0.5)).toMatchObject({ turn: 2, bytes: 590 });
  });
  it("where nothing follows the script, in what goes before it", () => {
    const read = [up(22), down(500), up(27_000), down(1500), up(124)];
    expect(momentIn(read, { direction: "up", part: "turns", at: 0.5 })).toMatchObject({ turn: 0 });
  });

  it("is never beyond the operation, and comes as near to its end as one likes", () => {
    const turns = fc.array(fc.integer({ min: 1, max: 9000 }), { minLength: 4, maxLength: 12 });
    const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    const ways = fc.constantFrom("up" as const, "down" as const);
    const parts = fc.constantFrom("connecting" as const, "turns" as const, "bytes" as const);
    fc.assert(
      fc.property(turns, share, ways, parts, (sizes, share, direction, part) => {
        const said = sizes.map((bytes, index) => (index % 2 === 0 ? up(bytes) : down(bytes)));
        const all = [up(22), down(1145), up(27_380), down(1500), ...said];
        const { turn, bytes } = momentIn(all, { direction, part, at: share });
        const later = all.slice(3).filter((one) => one.direction === direction);
        expect(turn).toBeLessThanOrEqual(later.length);
        if (turn > 0) expect(bytes).toBeLessThanOrEqual(later[turn - 1]!.bytes);
        const last = momentIn(all, { direction, part: "turns", at: 1 - 1e-9 });
        const heard = all.at(-1)!.direction === direction && direction === "up" ? 1 : 0;
        expect(last.turn).toBe(later.length - heard);
        expect(last.bytes).toBe(later[last.turn - 1]!.bytes);
      }),
    );
  });
});
