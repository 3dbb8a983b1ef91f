import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Turns } from "../../../src/operation/turns";

const going = () => new AbortController().signal;

describe("turns at a host", () => {
  it("let so many in at once, in the order in which they came, and all in the end", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.constantFrom("a", "b"), { minLength: 1, maxLength: 20 }),
        async (atOnce, hosts) => {
          const turns = new Turns(atOnce);
          const order: number[] = [];
          const inside = new Map<string, number>();
          await Promise.all(
            hosts.map(async (host, index) => {
              const turn = turns.at(host);
              await turn.take(going());
              order.push(index);
              const count = (inside.get(host) ?? 0) + 1;
              inside.set(host, count);
              expect(count).toBeLessThanOrEqual(atOnce);
              await new Promise((resolve) => setImmediate(resolve));
              inside.set(host, (inside.get(host) ?? 0) - 1);
              turn.release();
              turn.release();
            }),
          );
          for (const host of ["a", "b"]) {
            const own = order.filter((index) => hosts[index] === host);
            expect(own).toEqual(own.toSorted((a, b) => a - b));
          }
          expect(order).toHaveLength(hosts.length);
        },
      ),
    );
  });

  it("may be given back for a wait, and taken again behind others", async () => {
    const turns = new Turns(1);
    const [first, second] = [turns.at("a"), turns.at("a")];
    await first.take(going());
    const said: string[] = [];
    const other = second.take(going()).then(() => said.push("second"));
    first.release();
    const again = first.take(going()).then(() => said.push("first"));
    await other;
    second.release();
    await again;
    expect(said).toEqual(["second", "first"]);
  });

  it("are not waited for by one that was stopped", async () => {
    const turns = new Turns(1);
    const [first, second, third] = [turns.at("a"), turns.at("a"), turns.at("a")];
    await first.take(going());
    const stop = new AbortController();
    const stopped = second.take(stop.signal);
    const last = third.take(going());
    stop.abort(new Error("stopped"));
    await expect(stopped).rejects.toThrow("stopped");
    second.release();
    first.release();
    await last;
  });
});
