import type { BigIntStats } from "node:fs";
import { open } from "node:fs/promises";

/** A file as it was read, and what it was like then. */
interface Kept<Content> {
  readonly stamp: string;
  readonly content: Promise<Content>;
}

/**
 * Files that every host of a fleet has read, such as the known hosts: read and taken apart once, and
 * again as soon as one has changed.
 */
export class KeptFiles<Content> {
  readonly #parse: (text: string) => Content;
  readonly #kept = new Map<string, Kept<Content>>();

  /** @param parse What is made of a file's text. Total. */
  constructor(parse: (text: string) => Content) {
    this.#parse = parse;
  }

  /**
   * What is in a file now. It is opened in any case: NFS looks whether a file has changed when it is
   * opened, and `stat` may be a minute behind. And stamp and text are of one file, whatever takes its name.
   *
   * @throws whatever `open` and `readFile` do
   */
  async read(path: string): Promise<Content> {
    const file = await open(path);
    try {
      const stamp = stampOf(await file.stat({ bigint: true }));
      const kept = this.#kept.get(path);
      if (stamp !== undefined && kept?.stamp === stamp) return await kept.content;
      const content = file.readFile("utf8").then(this.#parse);
      if (stamp !== undefined) this.#keep(path, { stamp, content });
      return await content;
    } finally {
      await file.close();
    }
  }

  #keep(path: string, kept: Kept<Content>): void {
    if (this.#kept.size >= MOST) this.#kept.clear();
    this.#kept.set(path, kept);
    kept.content.catch(() => {
      if (this.#kept.get(path) === kept) this.#kept.delete(path);
    });
  }
}

/** Each may be a key of some kB. */
const MOST = 256;

/**
 * What differs once a file is another or has been written to; undefined where that cannot be told: a pipe
 * gives its text once, a file of /proc has no size, and one that was written to a moment ago may be written
 * to again within a tick of the clock by which the kernel stamps it (git has the same care of its index).
 */
function stampOf(stats: BigIntStats): string | undefined {
  const { dev, ino, size, mtimeNs, ctimeNs, ctimeMs } = stats;
  if (!stats.isFile() || size === 0n) return undefined;
  if (Math.abs(Date.now() - Number(ctimeMs)) < 2000) return undefined;
  return [dev, ino, size, mtimeNs, ctimeNs].join(" ");
}
