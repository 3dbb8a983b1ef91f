import type { InspectedServiceOwner } from "./director-types";

/** The names of owners, by their ids in a director's registry; in the order of the owners. */
export function ownersNamed(
  ids: readonly string[],
  owners: readonly InspectedServiceOwner[],
): string[] {
  return owners.filter(({ id }) => ids.includes(id)).map(({ owner }) => owner);
}
