import { blockOwner, type HealthCheck } from "../domain/keepalived";
import { endpoint, nameOfTarget, portOf, selectorOf } from "../domain/virtual-service";
import type { ObservedDirector } from "../observed/director";
import type { ServiceRecord } from "../observed/service-records";
import { blockLines } from "../plan/service/block";
import { takenOut } from "../plan/service/kept";
import { readBlock, type ReadBlock } from "../plan/service/read-block";
import type { InspectedCheck, InspectedKeepalivedFile } from "./director-types";

/** Files of keepalived's by which a director has services: those that are there, and those that records name. */
export function keptFilesOf(
  observed: ObservedDirector,
  records: readonly (readonly [id: string, record: ServiceRecord])[],
): InspectedKeepalivedFile[] {
  const { blocks } = observed;
  if (blocks === undefined) return [];
  const named = records.flatMap(([, { block }]) => block ?? []);
  return [...new Set([...blocks.keys(), ...named])].map((file) => {
    const lines = blocks.get(file);
    const declaring = records.filter(([, { block }]) => block === file);
    const block = lines && readBlock(lines);
    const writtenBy = lines && blockOwner(lines);
    return {
      ...{
        file,
        state: stateOf(file, lines, block, declaring),
        owners: declaring.map(([id]) => id),
      },
      ...(writtenBy !== undefined && { writtenBy }),
      ...(block && {
        service: nameOfTarget(block.target),
        check: checkOf(block.check),
        inhibitOnFailure: block.inhibitOnFailure,
      }),
      failing: block === undefined ? [] : failingIn(block, observed),
    };
  });
}

function stateOf(
  file: string,
  lines: readonly string[] | undefined,
  block: ReadBlock | undefined,
  declaring: readonly (readonly [id: string, record: ServiceRecord])[],
): InspectedKeepalivedFile["state"] {
  if (lines === undefined) return "missing";
  if (declaring.length === 0) return "undeclared";
  const isAsDeclared = declaring.some(
    ([, { owner, service }]) =>
      block && blockLines(owner, service, { ...block, file }).join("\n") === lines.join("\n"),
  );
  return isAsDeclared ? "as declared" : "edited";
}

function failingIn(block: ReadBlock, { table }: ObservedDirector): string[] {
  const found = table.find((one) => one.selector === selectorOf(block.target));
  if (found === undefined || block.check.kind === "none") return [];
  const port = portOf(block.target);
  return takenOut(block, found, block.inhibitOnFailure).map(({ address }) =>
    endpoint(address, port),
  );
}

function checkOf(check: HealthCheck): InspectedCheck {
  if (check.kind === "none") return "none";
  const { port, intervalSeconds, timeoutSeconds, retries } = check;
  const terms = {
    ...(port !== undefined && { port }),
    ...{ intervalSeconds, timeoutSeconds, retries },
  };
  if (check.kind === "tcp") return { tcp: terms };
  const { path, status, host } = check;
  return { http: { path, status, ...(host !== undefined && { host }), ...terms } };
}
