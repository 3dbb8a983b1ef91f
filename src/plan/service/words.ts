import { counted, type Deed } from "../words";
import { endpointIn, type TableStep } from "./steps";
import { isFileChange } from "../change";
import { type ServiceChange } from "./plan";

/** What is done, in the order in which it is done: "adding 2 destinations, setting 1 weight". */
export function serviceSummary(changes: readonly ServiceChange[]): string {
  const deeds = changes.flatMap((one): Deed[] => {
    if (isFileChange(one)) return [];
    return [one.kind === "block" ? BLOCK : [VERBS[one.kind], one.of]];
  });
  return counted(deeds) || "writing the director's record";
}

const BLOCK: Deed = ["having keepalived read", "change"];

const VERBS: Readonly<Record<TableStep["kind"], string>> = {
  add: "adding",
  edit: "changing",
  remove: "removing",
};

/** A change as it is still to be done: "add 10.0.0.11:80". */
export function describeServiceChange(change: ServiceChange): string {
  switch (change.kind) {
    case "put":
      return `write ${change.file}`;
    case "drop":
      return `remove ${change.file}`;
    case "add":
      return `add ${subject(change.options)}`;
    case "edit":
      return `change "${change.was}" to "${change.options}"`;
    case "remove":
      return `remove ${subject(change.was)}`;
    case "block":
      return `have keepalived read ${change.files.map((one) => one.file).join(", ")}`;
  }
}

/** A destination, or else the service as ipvsadm names it. */
function subject(options: string): string {
  return endpointIn(options) || `the service ${options.split(" -s ", 1)[0] ?? ""}`;
}
