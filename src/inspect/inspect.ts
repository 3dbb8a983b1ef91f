import { lookAt } from "./look";
import type { InspectConnection, Inspection, InspectOptions } from "./types";

/**
 * Tells what is on a host, without a stack and without changing anything there: no lock is taken,
 * and what a cut-off operation left is told, not settled. The host need not know this package.
 *
 * @throws RealServerError `refused` for a connection or a name that cannot be; else why the host
 *   could not be read
 */
export async function inspect(
  connection: InspectConnection,
  options: InspectOptions = {},
): Promise<Inspection> {
  const { inspection } = await lookAt(connection, options);
  return inspection;
}
