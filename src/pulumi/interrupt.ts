import { fstatSync } from "node:fs";
import { RealServerError } from "../domain/errors";

/** Runs operations until the engine ends the provider. */
export interface Interruption {
  /**
   * Runs one operation. Its signal aborts when the engine asks the provider to end (SIGINT, SIGTERM)
   * or is gone (the end of stdin: an engine killed with -9 leaves its providers running). The host
   * rolls back by itself when its connection ends.
   */
  run<T>(operation: (signal: AbortSignal) => Promise<T>): Promise<T>;
}

// The engine kills a provider five seconds after it asked it to end.
const GRACE_MILLISECONDS = 4500;
const INTERRUPTED_STATUS = 130;

/**
 * The one interruption of this process. It listens from the first operation on: a program that only
 * imports this keeps its own signals.
 */
export function interruption(): Interruption {
  const controller = new AbortController();
  let running = 0;
  let listening = false;
  // A provider that stays after SIGINT would make every run five seconds longer.
  const endWhenIdle = (): void => {
    if (running === 0) process.exit(INTERRUPTED_STATUS);
  };
  const end = (reason: string): void => {
    // Who dials throws it as it is, and has not touched the host yet.
    controller.abort(new RealServerError("failed", reason));
    endWhenIdle();
    setTimeout(() => process.exit(INTERRUPTED_STATUS), GRACE_MILLISECONDS);
  };
  return {
    async run(operation) {
      if (!listening) listen(end);
      listening = true;
      running += 1;
      try {
        return await operation(controller.signal);
      } finally {
        running -= 1;
        // A turn later, so that the answer is on its way before the process goes.
        if (controller.signal.aborted) setTimeout(endWhenIdle, 100);
      }
    },
  };
}

function listen(end: (reason: string) => void): void {
  process.on("SIGINT", () => end("interrupted"));
  process.on("SIGTERM", () => end("interrupted"));
  // Only a pipe: where stdin is /dev/null, its end says nothing about the engine.
  if (fstatSync(0).isFIFO() || fstatSync(0).isSocket()) {
    process.stdin.on("end", () => end("interrupted: the engine is gone"));
    process.stdin.on("error", () => end("interrupted: the engine is gone"));
    process.stdin.resume();
  }
}
