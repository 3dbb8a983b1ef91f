/** Which machine a member is, as far as it has said. */
export interface MemberMachine {
  /** The member's name in the pool. */
  readonly member: string;
  /** Undefined while it is not known; `-` where the machine has none. */
  readonly machineId?: string | undefined;
  /** The SSH host key that it showed; undefined with the user's own ssh. */
  readonly hostKey?: string | undefined;
}

/**
 * A sentence for two members that are one machine: machine-id and SSH host key are alike. One of the two is
 * not enough, because clones of one image often have a machine-id in common. Undefined where there are none.
 */
export function oneMachineTwice(machines: readonly MemberMachine[]): string | undefined {
  const first = new Map<string, string>();
  for (const { member, machineId, hostKey } of machines) {
    if (machineId === undefined || machineId === "-" || hostKey === undefined) continue;
    const identity = `${machineId} ${hostKey}`;
    const other = first.get(identity);
    if (other !== undefined)
      return (
        `${other} and ${member} are one machine: both have the machine-id ${machineId} and the same SSH ` +
        "host key. Remove one of the two; or, if they are clones, give each a machine-id and host keys of its own"
      );
    first.set(identity, member);
  }
  return undefined;
}
