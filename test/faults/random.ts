/**
 * Numbers drawn from a seed: the same seed and stream give the same numbers on every machine.
 * mulberry32, by Tommy Ettinger, in the public domain.
 */
export class Random {
  #state: number;

  /** @param stream a number or a name, so that every run of a campaign has its own numbers */
  constructor(seed: number, stream: number | string) {
    this.#state = hash(`${seed}/${stream}`);
  }

  /** From 0 to less than 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number, both ends included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  /** True with a probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of them. */
  pick<T>(from: readonly T[]): T {
    const found = from[Math.floor(this.next() * from.length)];
    if (found === undefined) throw new RangeError("nothing to pick from");
    return found;
  }

  /** One of the keys, by weight. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const entries = Object.entries<number>(weights) as [K, number][];
    let left = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [key, weight] of entries) {
      left -= weight;
      if (left < 0) return key;
    }
    return this.pick(entries)[0];
  }

  /** Some of them, in their order; how many is drawn too. */
  some<T>(from: readonly T[], least: number, most: number): T[] {
    const wanted = Math.min(from.length, this.between(least, most));
    const left = [...from];
    const chosen = new Set<T>();
    while (chosen.size < wanted) {
      chosen.add(left.splice(this.between(0, left.length - 1), 1)[0] as T);
    }
    return from.filter((one) => chosen.has(one));
  }
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193);
  return value;
}
