import type { PulumiFn } from "@pulumi/pulumi/automation";

import { RealServer } from "../src/index";
import type { Lab } from "../lab/lab";
import type { LabHost } from "../lab/host";

/** What every host of the benchmark binds. */
export const VIPS = ["203.0.113.10", "2001:db8::10"];

/** One real server a host, with a key in a file. */
export function fleetProgram(lab: Lab, hosts: readonly LabHost[]): PulumiFn {
  return async () => {
    for (const host of hosts) {
      new RealServer(host.name, {
        connection: { host: host.address, privateKeyFile: lab.keys.plain.path },
        vips: VIPS,
        // The same work: the loop of OpenSSH that it is put beside makes no boot unit either.
        persist: false,
      });
    }
  };
}
