/** What is given for one hop and messages speak of. */
type Given =
  | "privateKey"
  | "privateKeyFile"
  | "privateKeyPassword"
  | "agentSocketPath"
  | "password"
  | "hostKey";

/** How messages call what a person gave for one hop: inputs of a program, or options and variables of the command. */
export interface Terms {
  /** The hop as a whole: `connection`. */
  readonly hop: string;
  /** Each on its own: `connection.password`. `hostKey` is undefined where none can be given. */
  readonly full: Readonly<Record<Exclude<Given, "hostKey">, string>> & {
    readonly hostKey?: string;
  };
  /** Where it is clear of which hop they are: `password`. */
  readonly short: Readonly<Record<Exclude<Given, "hostKey">, string>>;
}

/** How messages call what a person gave for their own ssh. */
export interface SshTerms {
  readonly ssh: string;
  readonly configFile: string;
  /** Undefined where no other program can be named. */
  readonly command: string | undefined;
}

/** The terms of a connection's hops, and of the user's own ssh. */
export interface ConnectionTerms {
  readonly host: Terms;
  readonly proxy: Terms;
  readonly ssh: SshTerms;
}

/**
 * Those of the inputs of a program.
 *
 * @param way The input that says how the host is reached.
 */
export function inputTerms(way: string): ConnectionTerms {
  return {
    host: inputsOf(way),
    proxy: inputsOf(`${way}.proxy`),
    ssh: {
      ssh: `${way}.ssh`,
      configFile: `${way}.ssh.configFile`,
      command: `${way}.ssh.command`,
    },
  };
}

/** Those of a real server's. */
export const INPUT_TERMS = inputTerms("connection");

function inputsOf(hop: string): Terms {
  const short = {
    privateKey: "privateKey",
    privateKeyFile: "privateKeyFile",
    privateKeyPassword: "privateKeyPassword",
    agentSocketPath: "agentSocketPath",
    password: "password",
  };
  const full = {
    privateKey: `${hop}.privateKey`,
    privateKeyFile: `${hop}.privateKeyFile`,
    privateKeyPassword: `${hop}.privateKeyPassword`,
    agentSocketPath: `${hop}.agentSocketPath`,
    password: `${hop}.password`,
    hostKey: `${hop}.hostKey`,
  };
  return { hop, full, short };
}
