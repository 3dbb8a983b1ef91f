import { createRequire } from "node:module";
import type * as ssh2 from "ssh2";

/**
 * ssh2's parser of keys: `utils.parseKey`. ssh2 is loaded with the first key, because a check of
 * inputs that hold none does without the largest part of what this package loads.
 */
export function parseKey(
  text: string,
  passphrase?: string,
): ReturnType<typeof ssh2.utils.parseKey> {
  const { utils } = createRequire(__filename)("ssh2") as typeof ssh2;
  return utils.parseKey(text, passphrase);
}
