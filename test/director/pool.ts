import { accessBy } from "../../src/transport/access";
import { converge, withdraw } from "../../src/operation/converge";
import type { Operation } from "../../src/operation/session";
import type { DrainPolicy } from "../../src/operation/drain-tally";
import { connectionTo, options } from "../contract/ssh-connection";
import { claim } from "../host/claims";
import type { Lab } from "../../lab/lab";
import type { LabHost } from "../../lab/host";

/** Makes it a real server for these VIPs, as a create does. */
export async function join(lab: Lab, host: LabHost, vips: readonly string[]): Promise<void> {
  await converge(operation(lab, host), claim(host.name, vips));
}

/** How a real server leaves. */
export interface Leaving {
  readonly drain: DrainPolicy;
  /** Called with each word on the row. */
  readonly progress: (text: string) => void;
  readonly warn: (text: string) => void;
}

/** Takes the VIPs off it again, as a delete does, when no connection uses them any more. */
export async function leave(
  lab: Lab,
  host: LabHost,
  vips: readonly string[],
  { drain, ...words }: Leaving,
): Promise<void> {
  const leaving = { ...operation(lab, host), ...words };
  await withdraw(leaving, claim(host.name, vips), { sysctls: "restore", drain });
}

function operation(lab: Lab, host: LabHost): Operation {
  return {
    ...options(),
    ...accessBy(connectionTo(lab, host)),
    timeouts: { connectSeconds: 20, operationSeconds: 60 },
    warn: () => undefined,
  };
}
