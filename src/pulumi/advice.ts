import type { Remedy } from "../domain/errors";

/**
 * What to do next, for those who run `pulumi`: inputs of the resource, and flags. It follows what
 * failed: several remedies as a list, one as a phrase.
 *
 * @param way The input that says how the host is reached. Default: "connection".
 */
export function pulumiAdvice(remedies: readonly Remedy[], way = "connection"): string {
  const [only, ...more] = remedies;
  if (only === undefined) return "";
  return more.length === 0
    ? phrase(only, way)
    : remedies.map((one) => `\n- ${item(one, way)}`).join("");
}

function phrase(remedy: Remedy, way: string): string {
  switch (remedy.kind) {
    case "dial-longer":
      return " A slow one: raise timeouts.connectSeconds.";
    case "become-root":
      return `; set ${way}.sudo, or connect as root`;
    case "mend-sudo-password":
      return `; is ${way}.sudoPassword right?`;
    case "work-longer":
      return " (timeouts.operationSeconds)";
    case "leave-sysctls":
      return ', or give it up with sysctlsOnDestroy: "leave"';
    case "wait-for-service":
      return " A slow one: raise ready.timeoutSeconds.";
    case "do-without-ready":
      return " Allow it, or leave ready out.";
    case "look-at-sshd":
    case "give-up-host":
    case "leave-out-host":
      return ` ${item(remedy, way)}`;
  }
}

function item(remedy: Remedy, way: string): string {
  switch (remedy.kind) {
    case "look-at-sshd":
      return `Is it up, and does sshd listen on port ${remedy.port}? A slow one: raise timeouts.connectSeconds.`;
    case "give-up-host":
      return `Gone for good: PULUMI_LVS_DR_FORGET=${remedy.host} in the environment, then destroy, or up --refresh.`;
    case "leave-out-host":
      return 'Back later: leave it out with --exclude <urn>, or --refresh=false; or set unreachableOnRefresh: "keep".';
    case "dial-longer":
    case "become-root":
    case "mend-sudo-password":
    case "work-longer":
    case "leave-sysctls":
    case "wait-for-service":
    case "do-without-ready":
      return phrase(remedy, way).trim();
  }
}
