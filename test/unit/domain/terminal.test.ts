import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  asciiJson,
  excerpt,
  lastWords,
  oneLine,
  quoted,
  readable,
  visible,
} from "../../../src/domain/terminal";

/** What some terminal obeys, or hides, told by its numbers; a line break is looked for apart. */
const OBEYED =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\u{e0001}\u{e0020}-\u{e007f}]|\p{Cs}/u;

interface Case {
  readonly text: string;
  readonly readable: string;
  readonly oneLine: string;
  readonly excerpt: string;
  readonly visible: string;
}

const HOSTILE: Readonly<Record<string, Case>> = {
  "a colour (CSI)": {
    text: "\x1b[31mred\x1b[0m",
    readable: " [31mred [0m",
    oneLine: " [31mred [0m",
    excerpt: "red",
    visible: "\\u{1b}[31mred\\u{1b}[0m",
  },
  "a cleared screen (CSI, as one character)": {
    text: "a\x9b2Jb",
    readable: "a 2Jb",
    oneLine: "a 2Jb",
    excerpt: "a 2Jb",
    visible: "a\\u{9b}2Jb",
  },
  "a window's title (OSC, ended by BEL)": {
    text: "a\x1b]0;owned\x07b",
    readable: "a ]0;owned b",
    oneLine: "a ]0;owned b",
    excerpt: "ab",
    visible: "a\\u{1b}]0;owned\\u{7}b",
  },
  "a link (OSC, ended by ST)": {
    text: "\x1b]8;;http://x\x1b\\web\x1b]8;;\x1b\\",
    readable: " ]8;;http://x \\web ]8;; \\",
    oneLine: " ]8;;http://x \\web ]8;; \\",
    excerpt: "web",
    visible: "\\u{1b}]8;;http://x\\u{1b}\\web\\u{1b}]8;;\\u{1b}\\",
  },
  "a question to the terminal (DCS)": {
    text: "a\x1bP$qm\x1b\\b",
    readable: "a P$qm \\b",
    oneLine: "a P$qm \\b",
    excerpt: "a$qm \\b",
    visible: "a\\u{1b}P$qm\\u{1b}\\b",
  },
  "an escape character at the end": {
    text: "a\x1b",
    readable: "a ",
    oneLine: "a ",
    excerpt: "a",
    visible: "a\\u{1b}",
  },
  "one sequence within another": {
    text: "\x1b\x1b[31m[2Ja",
    readable: "  [31m[2Ja",
    oneLine: " [31m[2Ja",
    excerpt: "[2Ja",
    visible: "\\u{1b}\\u{1b}[31m[2Ja",
  },
  "writing from right to left": {
    text: "\u202egnp.exe\u2066\u200f",
    readable: " gnp.exe  ",
    oneLine: " gnp.exe ",
    excerpt: "gnp.exe",
    visible: "\\u{202e}gnp.exe\\u{2066}\\u{200f}",
  },
  "characters without a width": {
    text: "we\u200bb\ufeff\u00ad-1",
    readable: "we b  -1",
    oneLine: "we b -1",
    excerpt: "we b -1",
    visible: "we\\u{200b}b\\u{feff}\\u{ad}-1",
  },
  "half a character": {
    text: "a\ud83db\ude00",
    readable: "a b ",
    oneLine: "a b ",
    excerpt: "a b",
    visible: "a\\u{d83d}b\\u{de00}",
  },
  "line breaks of each kind": {
    text: "a\nb\r\nc\u2028d\u2029e\x85f",
    readable: "a\nb \nc d e f",
    oneLine: "a b c d e f",
    excerpt: "a b c d e f",
    visible: "a\\u{a}b\\u{d}\\u{a}c\\u{2028}d\\u{2029}e\\u{85}f",
  },
  "a NUL, a tab and a backspace": {
    text: "a\0b\tc\x08\x7f",
    readable: "a b c  ",
    oneLine: "a b c ",
    excerpt: "a b c",
    visible: "a\\u{0}b\\u{9}c\\u{8}\\u{7f}",
  },
  "a private character": {
    text: "a\ue0b0b\u{f0000}",
    readable: "a b ",
    oneLine: "a b ",
    excerpt: "a b",
    visible: "a\\u{e0b0}b\\u{f0000}",
  },
  "a family that a joiner makes of three people": {
    text: "\u{1f468}\u200d\u{1f469}\u200d\u{1f467}",
    readable: "\u{1f468} \u{1f469} \u{1f467}",
    oneLine: "\u{1f468} \u{1f469} \u{1f467}",
    excerpt: "\u{1f468} \u{1f469} \u{1f467}",
    visible: "\u{1f468}\\u{200d}\u{1f469}\\u{200d}\u{1f467}",
  },
};

const text = fc
  .array(
    fc.oneof(
      fc.constantFrom(...Object.values(HOSTILE).map((one) => one.text)),
      fc.string({ unit: "binary", maxLength: 20 }),
      fc.string({ maxLength: 150 }),
      // Halves of pairs: any code unit at all.
      fc.nat(0xffff).map((unit) => String.fromCharCode(unit)),
    ),
  )
  .map((parts) => parts.join(""));

describe("text of somebody else's", () => {
  it.each(Object.entries(HOSTILE))("is shown with %s", (_, { text, ...shapes }) => {
    expect({
      readable: readable(text),
      oneLine: oneLine(text),
      excerpt: excerpt(text),
      visible: visible(text),
    }).toEqual(shapes);
  });

  it("is obeyed by no terminal, and no line of it is forged", () => {
    fc.assert(
      fc.property(text, (given) => {
        expect(readable(given)).not.toMatch(OBEYED);
        for (const shape of [
          oneLine,
          excerpt,
          lastWords,
          visible,
          (one: string) => quoted(one, 60),
        ]) {
          expect(shape(given)).not.toMatch(OBEYED);
          expect(shape(given)).not.toContain("\n");
        }
        expect(asciiJson(given)).toMatch(/^[ -~]*$/);
        expect(asciiJson([given], 2)).toMatch(/^[\n -~]*$/);
      }),
    );
  });

  it("stays as it is the second time", () => {
    fc.assert(
      fc.property(text, (given) => {
        for (const shape of [readable, oneLine, excerpt, lastWords, visible]) {
          const once = shape(given);
          expect(shape(once)).toBe(once);
        }
      }),
    );
  });

  it("stays as it is where there is nothing to obey", () => {
    const ordinary = fc
      .string({ unit: "grapheme", maxLength: 60 })
      .filter((given) => !/[\p{C}\p{Zl}\p{Zp}]/u.test(given));
    fc.assert(
      fc.property(ordinary, (given) => {
        for (const shape of [readable, oneLine, visible]) expect(shape(given)).toBe(given);
        expect(excerpt(given)).toBe(given.trim());
        expect(lastWords(given)).toBe(given.replace(/ +/g, " ").trim());
        expect(quoted(given, 300)).toBe(JSON.stringify(given));
      }),
    );
    expect(readable("one line\nand another")).toBe("one line\nand another");
  });

  it("keeps its line breaks where it is of several lines, and no other text is lost", () => {
    fc.assert(
      fc.property(text, (given) => {
        expect(readable(given).split("\n")).toHaveLength(given.split("\n").length);
        expect(readable(given)).toHaveLength(spaced(given).length);
      }),
    );
  });

  it("is all there where it is written out, and in JSON", () => {
    fc.assert(
      fc.property(text, (given) => {
        expect(JSON.parse(asciiJson(given))).toBe(given);
        if (given.includes("\\")) return;
        const back = visible(given).replace(/\\u\{([0-9a-f]+)\}/g, (_, number: string) =>
          String.fromCodePoint(Number.parseInt(number, 16)),
        );
        expect(back).toBe(given);
      }),
    );
  });
});

/** A character beyond 16 bits becomes one space as well, or stays two units long. */
function spaced(given: string): string {
  return given.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]/gu, " ");
}

describe("JSON of ASCII alone", () => {
  it("has the bytes that records on hosts have, for ever", () => {
    expect(asciiJson('web "1"\\ \u00fc\n\x7f\x9b\u2028\u{1f600}\ud800')).toBe(
      '"web \\"1\\"\\\\ \\u00fc\\n\\u007f\\u009b\\u2028\\ud83d\\ude00\\ud800"',
    );
  });
});

describe("an excerpt", () => {
  it("reaches a terminal without escapes, line ends and direction marks", () => {
    expect(
      excerpt("\u001b[31mred\u001b[0m \u001b]0;title\u0007ok\r\n\u202eback\u0000\u009b2J"),
    ).toBe("red ok back 2J");
    expect(excerpt("x".repeat(500))).toHaveLength(200);
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => !/[\p{Cc}\p{Cf}]/u.test(excerpt(text))),
    );
  });

  it("is short, says that it was cut, and ends in a whole character", () => {
    const long = fc.tuple(text, fc.constantFrom("x", "\u{1f600}", "x\u{1f600}", "\u{1f468}\u200d"));
    fc.assert(
      fc.property(long, ([given, filling]) => {
        const cut = excerpt(given + filling.repeat(300));
        expect(cut.length).toBeLessThanOrEqual(200);
        expect(cut.length).toBeGreaterThanOrEqual(199);
        expect(cut.endsWith("…")).toBe(true);
        expect(cut).not.toMatch(OBEYED);
      }),
    );
  });

  it("of the end has no more than that, and begins with a whole character", () => {
    expect(lastWords(" one\r\n  \x1b[1mtwo\x1b[0m\n")).toBe("one two");
    expect(lastWords(`${"x".repeat(500)}y`)).toBe(`…${"x".repeat(299)}y`);
    expect(lastWords("\u{1f600}".repeat(200))).toBe(`…${"\u{1f600}".repeat(150)}`);
    expect(lastWords(`${"\u{1f600}".repeat(200)}x`)).toBe(`…${"\u{1f600}".repeat(149)}x`);
  });

  it("takes no time to make, whatever it is made of", () => {
    const hostile = ["\x1b]" + ";#".repeat(500_000), "\x1b[".repeat(500_000), " ".repeat(1e6)];
    const start = performance.now();
    for (const given of hostile) {
      expect(excerpt(given).length).toBeLessThanOrEqual(200);
      expect(lastWords(given).length).toBeLessThanOrEqual(301);
    }
    expect(performance.now() - start).toBeLessThan(2000);
  });
});

describe("a quoted value", () => {
  it("is cut at so many characters, none of them in half", () => {
    expect(quoted("x".repeat(60), 60)).toBe(`"${"x".repeat(60)}"`);
    expect(quoted("x".repeat(61), 60)).toBe(`"${"x".repeat(60)}…"`);
    expect(quoted("\u{1f600}".repeat(61), 60)).toBe(`"${"\u{1f600}".repeat(60)}…"`);
    // Written out, a character takes ten at most, as \u{10ffff} does; then the quotes and the mark.
    fc.assert(
      fc.property(text, (given) => {
        expect(quoted(given, 60).length).toBeLessThanOrEqual(60 * 10 + 3);
      }),
    );
  });

  it("shows where it ends, whatever it holds", () => {
    expect(quoted('a"b\\', 60)).toBe('"a\\"b\\\\"');
    expect(quoted("\x1b[31m\x9b\n", 60)).toBe('"\\u001b[31m\\u{9b}\\n"');
  });
});
