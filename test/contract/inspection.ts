import { accessBy } from "../../src/transport/access";
import { converge } from "../../src/operation/converge";
import type { Claim } from "../../src/plan/claim";
import type { Operation } from "../../src/operation/session";
import { parseVip } from "../../src/domain/address";
import type { Lab } from "../../lab/lab";
import type { LabHost } from "../../lab/host";
import { connectionTo } from "./ssh-connection";

/** Makes an owner of a host, as a resource's create does. */
export async function own(
  lab: Lab,
  host: LabHost,
  owner: string,
  vips: readonly string[],
  changes: Partial<Claim> = {},
): Promise<void> {
  const claim: Claim = {
    owner,
    incarnation: `${Buffer.from(owner).toString("hex").slice(0, 24)}-1`,
    vips: vips.map((text) => {
      const parsed = parseVip(text);
      if ("reason" in parsed) throw new Error(`${text} ${parsed.reason}`);
      return parsed.vip;
    }),
    arp: { ignore: 1, announce: 2, interfaces: "all", except: [] },
    saved: [],
    ...changes,
  };
  await converge(operation(lab, host), claim);
  // The shell ends a moment after its last answer, and tidies up.
  await host.run("flock -x /var/lib/lvs-dr/lock true");
}

function operation(lab: Lab, host: LabHost): Operation {
  return {
    ...accessBy(connectionTo(lab, host)),
    pins: {},
    timeouts: { connectSeconds: 20, operationSeconds: 40 },
    signal: new AbortController().signal,
    progress: () => undefined,
    warn: () => undefined,
  };
}

/** All that an operation could change on a host: addresses, ARP keys, and its files with their times. */
export async function snapshot(host: LabHost): Promise<string> {
  const { stdout } = await host.run(`
    ip -o addr show
    grep -r . /proc/sys/net/ipv4/conf/*/arp_* /proc/sys/net/ipv4/conf/*/rp_filter
    find /var/lib /etc /root /run -xdev -printf '%p %m %s %T@ %C@\\n' 2>/dev/null |
      grep -v '^/run/utmp\\|sshd' | sort
    find /var/lib/lvs-dr -type f 2>/dev/null | sort | xargs -r sha256sum`);
  return stdout;
}
