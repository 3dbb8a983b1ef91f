import { execFileSync } from "node:child_process";
import { mkdtemp, rename, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { KeptFiles } from "../../../src/transport/kept-files";

let folder: string;
let file: string;
const parse = vi.fn((text: string) => text.trim());

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "kept-files-"));
  file = path.join(folder, "known_hosts");
  parse.mockClear();
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(folder, { recursive: true });
});

/** A clock that is this much later than the file system's. */
function laterBy(seconds: number): void {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + seconds * 1000 });
}

describe("a file that every host has read", () => {
  it("is taken apart once, by however many at a time", async () => {
    await writeFile(file, "web\n");
    laterBy(60);
    const files = new KeptFiles(parse);
    const all = await Promise.all(Array.from({ length: 20 }, () => files.read(file)));
    expect(new Set([...all, await files.read(file)])).toEqual(new Set(["web"]));
    expect(parse).toHaveBeenCalledTimes(1);
  });

  it.each([
    ["is written to", () => writeFile(file, "new\n")],
    ["is another file of the same size and time", () => otherFile("new\n")],
  ])("is read again once it %s", async (_, change) => {
    await writeFile(file, "old\n");
    laterBy(60);
    const files = new KeptFiles(parse);
    expect(await files.read(file)).toBe("old");
    await change();
    expect(await files.read(file)).toBe("new");
  });

  async function otherFile(text: string): Promise<void> {
    const other = path.join(folder, "other");
    await writeFile(other, text);
    await utimes(other, 1, 1);
    await utimes(file, 1, 1);
    await rename(other, file);
  }

  it("is read again while it is so new that its time may not tell the next change", async () => {
    await writeFile(file, "web\n");
    const files = new KeptFiles(parse);
    await files.read(file);
    await files.read(file);
    expect(parse).toHaveBeenCalledTimes(2);
  });

  it("is not remembered as missing or unreadable", async () => {
    const files = new KeptFiles(parse);
    await expect(files.read(file)).rejects.toMatchObject({ code: "ENOENT" });
    await expect(files.read(folder)).rejects.toMatchObject({ code: "EISDIR" });
    await writeFile(file, "web\n");
    await expect(files.read(file)).resolves.toBe("web");
  });

  it("may be a pipe, as a shell makes one of what a command prints", async () => {
    execFileSync("mkfifo", [file]);
    const files = new KeptFiles(parse);
    for (const text of ["first", "second"]) {
      const reading = files.read(file);
      await writeFile(file, text);
      await expect(reading).resolves.toBe(text);
    }
  });
});
