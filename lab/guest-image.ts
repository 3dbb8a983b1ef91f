import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** Vitest's global set-up for tests with guests: making their disk takes longer than a test may. */
export default async function prepare(): Promise<void> {
  await guestImage();
}

/**
 * The disk that guests start with, made where the cache has none.
 * @returns its path.
 * @throws Error when it cannot be made; the reason is on the terminal.
 */
export async function guestImage(): Promise<string> {
  const script = join(__dirname, "guest/image.sh");
  const making = spawn("/bin/bash", [script], { stdio: ["ignore", "pipe", "inherit"] });
  let path = "";
  making.stdout.setEncoding("utf8").on("data", (text: string) => (path += text));
  const [status] = (await once(making, "close")) as [number | null];
  if (status !== 0) throw new Error("the disk of the lab's guests could not be made");
  return path.trim();
}
