import type { Remedy } from "../domain/errors";

/** What to do next, for those who run the command: its options and variables. */
export function commandAdvice(remedies: readonly Remedy[]): string {
  return remedies.map(commandPhrase).join("");
}

function commandPhrase(remedy: Remedy): string {
  switch (remedy.kind) {
    case "look-at-sshd":
      return ` Is it up, and does sshd listen on port ${remedy.port}? A slow one: raise --timeout.`;
    case "dial-longer":
      return " A slow one: raise --timeout.";
    case "become-root":
      return "; give --sudo, or log in as root";
    case "mend-sudo-password":
      return "; is PULUMI_LVS_DR_SUDO_PASSWORD right?";
    case "leave-sysctls":
      return ", or give it up with --leave-sysctls";
    // The command has no stack that could go on without the host, no option for its working time, and
    // asks no service whether it is ready.
    case "give-up-host":
    case "leave-out-host":
    case "work-longer":
    case "wait-for-service":
    case "do-without-ready":
      return "";
  }
}
