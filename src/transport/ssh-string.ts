/** A `string` of RFC 4251: four bytes of length, then the bytes. */
export function sshString(bytes: Buffer | string): Buffer {
  const content = Buffer.from(bytes);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  return Buffer.concat([length, content]);
}

/** The `string` that begins at an offset, and where it ends; undefined where `blob` is too short. */
export function readSshString(
  blob: Buffer,
  at: number,
): { readonly bytes: Buffer; readonly end: number } | undefined {
  if (at + 4 > blob.length) return undefined;
  const end = at + 4 + blob.readUInt32BE(at);
  return end > blob.length ? undefined : { bytes: blob.subarray(at + 4, end), end };
}

/**
 * The type with which a public key's blob opens (RFC 4253, 6.6), such as `ssh-ed25519`; undefined
 * where there is none that could be shown in a message.
 */
export function typeOfKey(blob: Buffer): string | undefined {
  const type = readSshString(blob, 0)?.bytes.toString("latin1");
  return type !== undefined && /^[a-z0-9@.-]{1,64}$/.test(type) ? type : undefined;
}
