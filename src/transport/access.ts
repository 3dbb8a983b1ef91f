import type { Connection } from "./connection";
import { dialByOpenssh } from "./openssh/dial";
import { dial } from "./ssh2/dial";
import { INPUT_TERMS, type ConnectionTerms } from "./terms";
import type { HostAccess } from "./transport";

/**
 * The access that a connection describes: whose transport it takes is decided here alone.
 *
 * @param terms What messages call what was given. Default: as inputs of a program.
 */
export function accessBy(connection: Connection, terms: ConnectionTerms = INPUT_TERMS): HostAccess {
  const { host, sudoPassword } = connection;
  if (connection.ssh === undefined) {
    const { user, sudo } = connection;
    return {
      host,
      login: { user, sudo, sudoPassword },
      dial: (options) => dial(connection, options, terms),
    };
  }
  const { user = "the user that ssh logs in as", sudo } = connection;
  const becomesRoot = sudo ?? (sudoPassword === undefined ? "unless root" : true);
  return {
    host,
    login: { user, sudo: becomesRoot, sudoPassword },
    dial: (options) => dialByOpenssh(connection, options, terms),
  };
}
