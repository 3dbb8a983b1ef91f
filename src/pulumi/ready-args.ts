// Plain interfaces that an old TypeScript (3.8, which Pulumi vendors) reads; inputs/ has their table.
import type * as pulumi from "@pulumi/pulumi";

/** What must answer on each VIP before a host counts. */
export interface ReadyArgs {
  /** The TCP port that must take connections, 1 to 65535. */
  port: pulumi.Input<number>;
  /** One request that must be answered, too. Default: none, a connection is enough. */
  http?: pulumi.Input<ReadyHttpArgs>;
  /** How long to wait at most, in seconds: 1 to 300. `timeouts` does not count it. Default: `30`. */
  timeoutSeconds?: pulumi.Input<number>;
}

/** A GET request to each VIP, and what must come of it. Redirects are not followed. */
export interface ReadyHttpArgs {
  /** The path, which begins with `/`. */
  path: pulumi.Input<string>;
  /** The status that the answer must have, 200 to 599. Default: `200`. */
  status?: pulumi.Input<number>;
  /**
   * The Host header, and with `https` the name that the server is asked for a certificate of (SNI).
   * Default: the VIP.
   */
  host?: pulumi.Input<string>;
  /** Ask over TLS; the certificate is not judged. Default: `false`. */
  https?: pulumi.Input<boolean>;
}
