import type { Machine } from "./registry";

/**
 * Whether a registry that was made on one machine is of the other. What one of the two cannot say
 * (`-`) does not tell them apart; nor does the case of the product UUID's letters, or the order of the
 * bytes in its first three groups, in which kernels and firmware differ.
 */
export function isSameMachine(made: Machine, here: Machine): boolean {
  const known = (a: string, b: string) => a !== "-" && b !== "-";
  if (known(made.machineId, here.machineId) && made.machineId !== here.machineId) return false;
  if (!known(made.productUuid, here.productUuid)) return true;
  const [one, two] = [made.productUuid.toLowerCase(), here.productUuid.toLowerCase()];
  return one === two || swapped(one) === two;
}

/** The same UUID as one writes it who takes the other byte order for its first three groups. */
function swapped(uuid: string): string {
  return uuid.replace(/^(..)(..)(..)(..)-(..)(..)-(..)(..)-/, "$4$3$2$1-$6$5-$8$7-");
}
