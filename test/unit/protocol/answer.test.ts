import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  AnswerReader,
  type AnswerEvent,
  type Status,
  UnreadableAnswer,
} from "../../../src/protocol/answer";

const NONCE = "k3v9q0z7";
const STATUSES: Status[] = ["ok", "rolled-back", "stuck", "failed", "busy", "unsupported"];

const line = fc.string({ unit: "binary", maxLength: 30 }).map((text) => text.replaceAll("\n", " "));
const body = fc
  .array(line, { minLength: 1, maxLength: 5 })
  .filter((lines) => !lines.some((one) => one.startsWith(NONCE)))
  .map((lines) => lines.join("\n"));
const answer = fc.record({ status: fc.constantFrom(...STATUSES), body });
const noise = fc.array(
  fc
    .oneof(line, fc.constantFrom("Welcome!", `echo ${NONCE}`, "begin", `${NONCE}x begin`))
    .filter((text) => !text.startsWith(`${NONCE} `) && text !== NONCE),
  { maxLength: 3 },
);

/** As host.sh's `reply` prints it. */
function printed(status: string, text: string): string {
  return `${NONCE} begin\n${text}\n${NONCE} ${status} ${Buffer.byteLength(text)}\n`;
}

function readAll(stream: Buffer, chunks: readonly number[] = []): AnswerEvent[] {
  const reader = new AnswerReader(NONCE);
  const ends = [...chunks.map((at) => at % (stream.length + 1)), stream.length].sort(
    (a, b) => a - b,
  );
  let start = 0;
  return ends.flatMap((end) => {
    const chunk = stream.subarray(start, end);
    start = end;
    return reader.push(chunk);
  });
}

/** Every answer that came before the stream was found to be broken. */
function readUntilBroken(stream: Buffer): AnswerEvent[] {
  const reader = new AnswerReader(NONCE);
  const events: AnswerEvent[] = [];
  try {
    for (const byte of stream) events.push(...reader.push(Buffer.of(byte)));
  } catch (error) {
    if (!(error instanceof UnreadableAnswer)) throw error;
  }
  return events;
}

describe("answers in a host's output", () => {
  it("are read whole, however the stream is cut into chunks", () => {
    fc.assert(
      fc.property(fc.array(answer), fc.array(fc.nat()), (answers, chunks) => {
        const stream = answers.map((one) => printed(one.status, one.body)).join("");
        expect(readAll(Buffer.from(stream), chunks)).toEqual(
          answers.map((one) => ({ kind: "answer", ...one })),
        );
      }),
    );
  });

  it("are found between banners and whatever a profile prints", () => {
    fc.assert(
      fc.property(noise, answer, noise, answer, (before, first, between, second) => {
        const text = (lines: string[]) => lines.map((one) => `${one}\n`).join("");
        const stream =
          text(before) +
          printed(first.status, first.body) +
          text(between) +
          printed(second.status, second.body);
        const events = readAll(Buffer.from(stream));
        expect(events.filter(({ kind }) => kind !== "noise")).toEqual(
          [first, second].map((one) => ({ kind: "answer", ...one })),
        );
        const heard = events.map((event) => (event.kind === "noise" ? event.text : "")).join("");
        expect(heard).toBe(text([...before, ...between]));
      }),
    );
  });

  it("may have notes before and between them", () => {
    const stream = `${NONCE} note waiting for the lock held by web-2\n${printed("ok", "a")}`;
    expect(readAll(Buffer.from(stream))).toEqual([
      { kind: "note", text: "waiting for the lock held by web-2", lasting: false },
      { kind: "answer", status: "ok", body: "a" },
    ]);
  });

  it("are none while anything of them is missing", () => {
    fc.assert(
      fc.property(answer, fc.nat(), (one, at) => {
        const stream = Buffer.from(printed(one.status, one.body));
        expect(readAll(stream.subarray(0, at % stream.length))).toEqual([]);
      }),
    );
  });

  // SSH guards each bit on the wire; what may happen before it is a cut, and a voice from outside.
  it("never say anything else with some of them gone, or with something written into them", () => {
    const foreign = fc.oneof(line, fc.constantFrom("", "\n", `${NONCE} note hello\n`));
    fc.assert(
      fc.property(answer, fc.nat(), fc.nat(20), foreign, (one, at, length, text) => {
        const stream = Buffer.from(printed(one.status, one.body));
        const from = at % stream.length;
        const parts = [stream.subarray(0, from), Buffer.from(text), stream.subarray(from + length)];
        fc.pre(Buffer.byteLength(text) !== length);
        for (const event of readUntilBroken(Buffer.concat(parts))) {
          if (event.kind === "answer") expect(event).toEqual({ kind: "answer", ...one });
        }
      }),
      { numRuns: 3000 },
    );
  });

  it("never say anything else with lines of them dropped or doubled", () => {
    fc.assert(
      fc.property(answer, fc.nat(), fc.nat(), fc.nat(1), ({ status, body: text }, a, b, how) => {
        const lines = printed(status, text).trimEnd().split("\n");
        const [from, to] = [a % lines.length, b % lines.length];
        if (how === 0) lines.splice(from, 1);
        else lines.splice(to, 0, lines[from] ?? "");
        for (const event of readUntilBroken(Buffer.from(`${lines.join("\n")}\n`))) {
          if (event.kind === "answer")
            expect(event).toEqual({ kind: "answer", status, body: text });
        }
      }),
    );
  });

  it("have their length in bytes", () => {
    const counting = (length: string) => `${NONCE} begin\nz\u00fcrich\n${NONCE} ok ${length}\n`;
    expect(readAll(Buffer.from(counting("7")))).toEqual([
      { kind: "answer", status: "ok", body: "z\u00fcrich" },
    ]);
    for (const length of ["6", "8", "", "7 7", "07"])
      expect(() => readAll(Buffer.from(counting(length)))).toThrow(UnreadableAnswer);
  });

  it("are errors where they end before they began, begin twice, or end in an unknown word", () => {
    for (const stream of [
      `${NONCE} ok 0\n`,
      `${NONCE} begin\n${NONCE} begin\n`,
      `${NONCE} begin\na\n${NONCE} perhaps 1\n`,
      `${NONCE}\n`,
    ]) {
      expect(() => readAll(Buffer.from(stream))).toThrow(UnreadableAnswer);
    }
  });

  it("do not go on for ever", () => {
    const reader = new AnswerReader(NONCE);
    const flood = Buffer.alloc(1024 * 1024, "noise\n");
    expect(() => {
      for (let mebibyte = 0; mebibyte <= 16; mebibyte += 1) reader.push(flood);
    }).toThrow(UnreadableAnswer);
  });
});
