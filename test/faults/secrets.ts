import { readdirSync, readFileSync } from "node:fs";

import type { Lab } from "../../lab/lab";

/** The keys and passwords of a lab, and where they must never be found (I5). */
export class Secrets {
  readonly #needles: { readonly name: string; readonly text: string }[];

  constructor({ keys, passwords }: Lab) {
    const bodies = Object.entries({ plain: keys.plain, encrypted: keys.encrypted }).flatMap(
      ([name, { content }]) =>
        content
          .split("\n")
          .filter((line) => line !== "" && !line.startsWith("-----"))
          // The first line of a key file is nearly the same in all of them.
          .slice(1, 3)
          .map((text) => ({ name: `the private key "${name}"`, text })),
    );
    this.#needles = [
      ...bodies,
      { name: "the password", text: passwords.login },
      { name: "the key's passphrase", text: passwords.keyPassphrase },
    ];
  }

  /** What of them is in a text, by name. */
  foundIn(text: string): string[] {
    return this.#needles.filter((one) => text.includes(one.text)).map(({ name }) => name);
  }

  /** For `grep -F -f`. */
  get patterns(): string {
    return this.#needles.map(({ text }) => text).join("\n");
  }
}

/** Samples the process list, which has the hosts' processes too, and remembers what it saw. */
export class ProcessSampler {
  readonly found = new Set<string>();
  samples = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(private readonly secrets: Secrets) {
    this.#timer = setInterval(() => this.#sample(), 500);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #sample(): void {
    this.samples += 1;
    for (const id of readdirSync("/proc")) {
      if (!/^\d+$/.test(id)) continue;
      for (const file of ["cmdline", "environ"]) {
        const text = readQuietly(`/proc/${id}/${file}`);
        for (const name of this.secrets.foundIn(text)) this.found.add(`${name} in ${file}`);
      }
    }
  }
}

function readQuietly(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return ""; // gone meanwhile, or not ours to look at
  }
}
