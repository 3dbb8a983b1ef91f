import { blockMark, type HealthCheck, type KeepalivedBlock } from "../../domain/keepalived";
import {
  familyOf,
  maskOf,
  portOf,
  type Destination,
  type ServiceTarget,
} from "../../domain/virtual-service";
import type { VirtualServiceShape } from "../../observed/service-records";

/**
 * A service as keepalived 2.2 and newer reads it: the lines of its file, whole (keepalived.conf(5)). Two
 * that say the same are the same lines.
 */
export function blockLines(
  owner: string,
  service: VirtualServiceShape,
  { check, inhibitOnFailure }: KeepalivedBlock,
): string[] {
  const { target, scheduler, flags, persistence, destinations } = service;
  const servers = destinations.toSorted((a, b) => (a.address < b.address ? -1 : 1));
  return [
    ...blockMark(owner, target),
    `virtual_server ${addressing(target)} {`,
    ...indented([
      ...(target.kind === "fwmark" && target.family === 6 ? ["ip_family inet6"] : []),
      `lvs_sched ${scheduler}`,
      ...flags,
      "lvs_method DR",
      ...(target.kind === "fwmark" ? [] : [`protocol ${target.kind.toUpperCase()}`]),
      ...(persistence === undefined
        ? []
        : [
            `persistence_timeout ${persistence.timeoutSeconds}`,
            `persistence_granularity ${maskOf(persistence.prefixLength, familyOf(target))}`,
          ]),
      ...(check.kind === "none" ? [] : [`delay_loop ${check.intervalSeconds}`]),
      ...servers.flatMap((one) => serverLines(one, target, check, inhibitOnFailure)),
    ]),
    "}",
  ];
}

function addressing(target: ServiceTarget): string {
  return target.kind === "fwmark"
    ? `fwmark ${target.mark}`
    : `${target.vip.address} ${target.port}`;
}

function serverLines(
  { address, weight, upperThreshold, lowerThreshold }: Destination,
  target: ServiceTarget,
  check: HealthCheck,
  inhibitOnFailure: boolean,
): string[] {
  return [
    `real_server ${address} ${portOf(target)} {`,
    ...indented([
      `weight ${weight}`,
      ...(upperThreshold > 0 ? [`uthreshold ${upperThreshold}`] : []),
      ...(lowerThreshold > 0 ? [`lthreshold ${lowerThreshold}`] : []),
      ...(inhibitOnFailure ? ["inhibit_on_failure"] : []),
      ...checkLines(check),
    ]),
    "}",
  ];
}

function checkLines(check: HealthCheck): string[] {
  switch (check.kind) {
    case "none":
      return [];
    case "tcp":
      return ["TCP_CHECK {", ...indented(termLines(check)), "}"];
    case "http":
      return [
        "HTTP_GET {",
        ...indented([
          "url {",
          ...indented([
            `path ${check.path}`,
            `status_code ${check.status}`,
            ...(check.host === undefined ? [] : [`virtualhost ${check.host}`]),
          ]),
          "}",
          ...termLines(check),
        ]),
        "}",
      ];
  }
}

function termLines(check: Exclude<HealthCheck, { readonly kind: "none" }>): string[] {
  return [
    ...(check.port === undefined ? [] : [`connect_port ${check.port}`]),
    `connect_timeout ${check.timeoutSeconds}`,
    `retry ${check.retries}`,
    "delay_before_retry 1",
  ];
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}
