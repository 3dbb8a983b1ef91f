import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A file that only this user can read. */
export interface PrivateFile {
  /** For as long as it is not removed. */
  readonly path: string;
  remove(): Promise<void>;
}

/**
 * Writes a file for programs that this process starts. On Linux it has no name on disk: it is open here,
 * and goes with this process, however that ends. Elsewhere it lies in a folder of its own until it is
 * removed.
 */
export async function privateFile(text: string): Promise<PrivateFile> {
  const folder = await mkdtemp(join(tmpdir(), "pulumi-lvs-dr-"));
  const path = join(folder, "file");
  const removeFolder = () => rm(folder, { recursive: true, force: true });
  try {
    await writeFile(path, text, { mode: 0o600 });
    if (process.platform !== "linux") return { path, remove: removeFolder };
    const handle = await open(path, "r");
    await removeFolder();
    return { path: `/proc/${process.pid}/fd/${handle.fd}`, remove: () => handle.close() };
  } catch (error) {
    await removeFolder();
    throw error;
  }
}
