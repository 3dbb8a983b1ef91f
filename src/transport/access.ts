import type { Connection } from "./connection";
import { dial } from "./ssh2/dial";
import { INPUT_TERMS, type ConnectionTerms } from "./terms";
import type { HostAccess } from "./transport";

/**
 * The access that a connection describes: whose transport it takes is decided here alone.
 *
 * @param terms What messages call what was given. Default: as inputs of a program.
 */
export function accessBy(connection: Connection, terms: ConnectionTerms = INPUT_TERMS): HostAccess {
  const { host, user, sudo, sudoPassword } = connection;
  return {
    host,
    login: { user, sudo, sudoPassword },
    dial: (options) => dial(connection, options, terms),
  };
}
