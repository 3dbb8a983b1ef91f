import type { Stage } from "../lab/stage";
import { Traffic } from "../lab/traffic";
import { byHand } from "./by-hand";
import { joins, leaves } from "./membership";
import type { Narrator } from "./narrator";
import { type Scene, setScene } from "./scene";
import { declare } from "./serving";
import { destroy, undo } from "./undone";

const PER_SECOND = 150;

/**
 * Tells the story from beginning to end.
 * @throws Mismatch as soon as something seen is not what should be; the signal's reason
 */
export async function tell(stage: Stage, narrator: Narrator, signal: AbortSignal): Promise<void> {
  narrator.say("LVS direct routing: the wrong way once, and then with pulumi-lvs-dr.");
  const scene = await setScene(stage, narrator, signal);
  for (const step of [byHand, declare, joinAndLeave, undo, destroy]) {
    signal.throwIfAborted();
    await step(scene);
  }
  signal.throwIfAborted();
  scene.tally.show(narrator);
}

/** Steps 3 and 4, under one stream of requests and one record of the wire. */
async function joinAndLeave(scene: Scene): Promise<void> {
  const { lab, client, signal } = scene;
  const traffic = await Traffic.start(lab, client, lab.vips, PER_SECOND);
  try {
    await joins(scene, traffic);
    signal.throwIfAborted();
    await leaves(scene, traffic);
  } finally {
    // It is no news when the story has failed already.
    await traffic.stop().catch(() => undefined);
  }
}
