// npm run demo: what the package is for, on a real director, told and proved step by step.
import { Mismatch, Narrator } from "./narrator";
import { Stage } from "../lab/stage";
import { tell } from "./story";

const INTERRUPTED = 130;

async function main(): Promise<number> {
  const narrator = new Narrator(process.stdout);
  const interruption = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => interruption.abort(new Error(signal)));
  }
  // A reader that went away, as of `npm run demo | head`, is an interruption too.
  process.stdout.on("error", () => interruption.abort(new Error("nobody reads")));
  const stage = await Stage.set();
  try {
    await stage.endEngineOn(interruption.signal, tell(stage, narrator, interruption.signal));
  } catch (error) {
    // A child that ^C ended can be heard of before the signal is.
    await new Promise((resolve) => setTimeout(resolve, 50));
    if (!interruption.signal.aborted) narrator.failed(describe(error));
    else narrator.say("interrupted: removing the hosts and the stack");
    await stage.strike();
    return interruption.signal.aborted ? INTERRUPTED : 1;
  }
  return narrator.epilogue("The lab is removed from this machine", async () => {
    await stage.strike();
    return stage.remains();
  });
}

/** What is thrown on purpose is worded for people; any other kind is a fault of the demo's. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const isMeant = error instanceof Mismatch || error.constructor === Error;
  return isMeant ? error.message : (error.stack ?? error.message);
}

void main().then((status) => process.exit(status));
