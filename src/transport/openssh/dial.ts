import { RealServerError, type Remedy } from "../../domain/errors";
import type { OpensshConnection } from "../connection";
import { inAll, SSHD_LIMITS, TryAgain } from "../problems";
import { dialAgain, type DialBounds, type FailedTries } from "../redial";
import type { ConnectionTerms } from "../terms";
import type { Channel, DialOptions, Transport } from "../transport";
import { sshArguments } from "./arguments";
import { sshClient } from "./client";
import { forwardByOpenssh } from "./forward";
import { startSsh } from "./process";
import { problemOf, withFiles, type Way } from "./way";

/**
 * Has the user's own `ssh` log in, again while nobody answers. Host keys are its own affair, so none is
 * reported. A command goes over stdin: a server that takes no long one takes it, too, and that the shell
 * is there is known before the command says anything. The first command has the login that was dialled,
 * and each other one, and each connection of the host's, dials its own.
 *
 * @param terms what messages call what was given
 * @throws RealServerError `unreachable`, `authentication`, `host-key`, with ssh's own words;
 *   `unsupported` where there is no `ssh`, or one that is too old; `failed` where a config cannot be
 *   read; the signal's own error or `timed-out` when it is aborted
 */
export async function dialByOpenssh(
  connection: OpensshConnection,
  options: DialOptions,
  terms: ConnectionTerms,
): Promise<Transport> {
  const client = await sshClient(connection.ssh.command, terms.ssh);
  const way = { connection, client, terms };
  const channels: Channel[] = [];
  const { first } = options;
  const logIn = async (command: string | undefined) => {
    const channel = await dialOnce(way, options, command);
    channels.push(channel);
    return channel;
  };
  let dialled: Channel | undefined = await logIn(first);
  return {
    keys: {},
    longestCommand: Infinity,
    async exec(command) {
      const channel = dialled;
      dialled = undefined;
      if (channel === undefined || (first ?? command) !== command) return logIn(command);
      if (first === undefined) channel.stdin.write(lineOf(command));
      return channel;
    },
    connect: (to, signal) => forwardByOpenssh(way, to, signal),
    close() {
      for (const channel of channels) channel.close();
    },
  };
}

/**
 * What the login shell runs: it says that it is there, and takes its command as a line of stdin. Any
 * login shell hands it on to sh.
 */
const LOGIN_COMMAND = `exec sh -c 'echo; IFS= read -r line && eval "$line"'`;

function lineOf(command: string): string {
  return `${command}\n`;
}

/** @param first the command, where it is known; the shell has it as soon as it is there */
async function dialOnce(
  way: Way,
  options: DialOptions,
  first: string | undefined,
): Promise<Channel> {
  const { connection, client } = way;
  const { host, dialErrorLimit } = connection;
  const bounds: DialBounds = {
    deadline: performance.now() + options.connectSeconds * 1000,
    host,
    signal: options.signal,
    progress: (text) => options.progress(text),
  };
  return withFiles(way, (files) => {
    const words = sshArguments(connection, client, files, LOGIN_COMMAND);
    // What ssh said of an attempt tells more than that the last one was cut short.
    let told: TryAgain | undefined;
    let isShort = false;
    return dialAgain(
      {
        title: `${host} by ssh`,
        dialErrorLimit,
        attempt: (seconds) => {
          const input = first === undefined ? "" : lineOf(first);
          const run = { command: client.command, words, input };
          isShort = seconds < 1;
          return startSsh(run, { signal: options.signal, seconds }, (end) => {
            const problem = problemOf(way, files, end);
            if (problem instanceof TryAgain) told = problem;
            return problem;
          });
        },
        givenUp: (tries, cause) => unreachableBySsh(host, tries, (isShort && told) || cause),
      },
      bounds,
    );
  });
}

/**
 * Neither ssh's words nor its config prove that nobody lives there, so no policy may forget the host;
 * and where somebody took the connection, people are not told how to, either.
 */
function unreachableBySsh(host: string, tries: FailedTries, cause: TryAgain): RealServerError {
  const answered = tries.signs.has("answered");
  const hint = answered ? ` If it is an sshd that ends the connection: ${SSHD_LIMITS}?` : "";
  const what = `${host} cannot be reached by ssh: ${inAll(tries, cause)}. Whether it is gone ssh cannot tell, so no policy forgets it.${hint}`;
  const remedies: Remedy[] = [
    ...(answered ? [] : [{ kind: "give-up-host" as const, host }]),
    { kind: "leave-out-host" },
  ];
  return new RealServerError("unreachable", what, { host, remedies, cause });
}
