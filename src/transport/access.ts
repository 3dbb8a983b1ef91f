import type { Connection } from "./connection";
import { dial } from "./ssh2/dial";
import type { HostAccess } from "./transport";

/** The access that a connection describes: whose transport it takes is decided here alone. */
export function accessBy(connection: Connection): HostAccess {
  const { host, user, sudo, sudoPassword } = connection;
  return {
    host,
    login: { user, sudo, sudoPassword },
    dial: (options) => dial(connection, options),
  };
}
