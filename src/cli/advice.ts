import type { Remedy } from "../domain/errors";

/** What to do next, for those who run the command: its options and variables. */
export function commandAdvice(remedies: readonly Remedy[]): string {
  return remedies.map(phrase).join("");
}

function phrase(remedy: Remedy): string {
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
    // No stack has to get on without the host, and the command's own time for work is not to be set.
    case "give-up-host":
    case "leave-out-host":
    case "work-longer":
      return "";
  }
}
