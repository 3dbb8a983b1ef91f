import { homedir } from "node:os";
import { join } from "node:path";

/** A path as a connection names it, with a leading `~/` replaced by the user's home. */
export function homePath(path: string): string {
  return path.startsWith("~/") ? join(homedir(), path.slice(2)) : path;
}

/** Why a file could not be read, in plain words. */
export function fileProblem(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  switch (code) {
    case "ENOENT":
      return "there is no such file";
    case "EACCES":
      return "permission denied";
    case "EISDIR":
      return "it is a folder";
    default:
      return code ?? "unknown error";
  }
}
