import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseDirector } from "../../../src/observed/director";
import { UnreadableAnswer } from "../../../src/protocol/answer";
import { fixtures } from "../fixtures";

interface Case {
  readonly answer: readonly string[];
  readonly read: {
    readonly addresses: readonly string[];
    /** By selector, the options of the destinations. */
    readonly services: Readonly<Record<string, readonly string[]>>;
    readonly keepers: readonly string[];
    readonly expiresWithDestination: boolean;
    readonly expiresTemplates: boolean;
    readonly boot: object;
    /** Null where there is no registry. */
    readonly owners: readonly string[] | null;
  };
}

const CASES = fixtures<Case>("directors");

describe("a director's answer", () => {
  it.each(CASES)("is read from one $name", ({ data }) => {
    const { addresses, table, registry, ...rest } = parseDirector(data.answer.join("\n"));
    const { owners, services, addresses: read, ...others } = data.read;
    expect([...addresses]).toEqual(read);
    expect(rest).toMatchObject(others);
    const options = table.map((one) => [one.selector, one.destinations.map((it) => it.options)]);
    expect(Object.fromEntries(options)).toEqual(services);
    const names = registry && [...registry.owners.values()].map(({ owner }) => owner);
    expect(names ?? null).toEqual(owners);
  });

  it("is unreadable when it is cut anywhere, or has a line that nobody knows", () => {
    fc.assert(
      fc.property(fc.constantFrom(...CASES), fc.nat(), ({ data: { answer } }, at) => {
        const text = answer.join("\n");
        expect(() => parseDirector(text.slice(0, at % text.length))).toThrow(UnreadableAnswer);
        const odd = answer.with(1 + (at % (answer.length - 2)), "conf 1 2 3");
        expect(() => parseDirector(odd.join("\n"))).toThrow(UnreadableAnswer);
      }),
    );
  });
});
