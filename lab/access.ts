import { command } from "./command";
import { drawPasswords, type LabKeys, type LabPasswords, makeKeys } from "./keys";

/** Who may log in to the hosts of a lab, and how. */
export interface Access {
  readonly keys: LabKeys;
  readonly passwords: LabPasswords;
  readonly passwordHash: string;
  readonly sshdOptions: string;
}

/** Draws keys and passwords for a lab; the keys are kept in a folder. */
export async function makeAccess(state: string): Promise<Access> {
  const passwords = drawPasswords();
  const hash = ["mkpasswd", "-m", "sha512", "-P", "0"];
  const [keys, hashed, version] = await Promise.all([
    makeKeys(state, passwords),
    command("busybox", hash, { input: `${passwords.login}\n` }),
    command("ssh", ["-V"]),
  ]);
  // From 9.8 on sshd locks a client out that failed often, which is what tests do.
  const [, major = "0", minor = "0"] = /OpenSSH_(\d+)\.(\d+)/.exec(version.stderr) ?? [];
  const penalties = Number(major) * 100 + Number(minor) >= 908;
  return {
    keys,
    passwords,
    passwordHash: hashed.stdout.trim(),
    sshdOptions: penalties ? "PerSourcePenalties no" : "",
  };
}
