import type { AnyAuthMethod, AuthenticationType, AuthHandlerMiddleware } from "ssh2";
import type { RealServerError } from "../../domain/errors";
import { excerpt } from "../../domain/terminal";
import type { Target } from "../connection";
import { NotingAgent, type AgentTurn } from "./agent";
import { authenticationError, type Identity } from "./identities";

/** What happened while authenticating, for the message when it fails. */
export interface AuthLog {
  readonly tried: Turn[];
  /** How often the host said no. */
  refusals: number;
  /** The methods that the host said it would take. */
  accepted: readonly string[];
}

/** The turn of one identity. */
export interface Turn extends AgentTurn {
  readonly title: string;
  /** The host has accepted it and wants another besides. */
  partial: boolean;
}

/**
 * Offers one identity after the other and skips those of a kind that the host does not take. The
 * first is offered at once, without asking what the host takes: that saves a round trip. After a
 * partial success (a host that wants a key *and* a password) the others have their turn again.
 */
export function authHandler(
  user: string,
  identities: readonly Identity[],
  log: AuthLog,
): AuthHandlerMiddleware {
  let waiting = [...identities];
  let unproved = [...identities];
  let current: Identity | undefined;
  return (methods: AuthenticationType[] | null, partial, next) => {
    if (methods !== null) log.accepted = methods.map(excerpt);
    const last = log.tried.at(-1);
    if (last !== undefined && partial) {
      last.partial = true;
      unproved = unproved.filter((identity) => identity !== current);
      waiting = [...unproved];
    } else if (last?.offered === true) {
      log.refusals++;
    }
    do current = waiting.shift();
    while (current !== undefined && methods !== null && !takes(methods, current));
    if (current === undefined) {
      // ssh2 ends the attempt on `false`, which its types leave out.
      (next as unknown as (method: false) => void)(false);
      return;
    }
    const offered = current.method !== "agent";
    const turn = { title: current.title, offered, found: "", waiting: "", partial: false };
    log.tried.push(turn);
    next(authMethod(user, current, turn));
  };
}

/** The error of a host that let us in by none of the identities. */
export function refused(target: Target, log: AuthLog, hostSays?: string): RealServerError {
  const accepted = log.tried.filter((turn) => turn.partial).map(told);
  const tried = log.tried.filter((turn) => turn.offered && !turn.partial).map(told);
  const passedOver = log.tried.filter((turn) => !turn.offered).map(told);
  const facts = [
    ...(accepted.length > 0 ? [`accepted ${accepted.join(", ")}, which is not enough`] : []),
    tried.length > 0
      ? `tried ${tried.join(", ")}`
      : `nothing ${accepted.length > 0 ? "else " : ""}could be tried`,
    ...(passedOver.length > 0 ? [`not tried: ${passedOver.join(", ")}`] : []),
    ...(log.accepted.length > 0 ? [`it takes ${log.accepted.join(", ")}`] : []),
    ...(hostSays === undefined ? [] : [`it says: ${excerpt(hostSays)}`]),
  ];
  const next =
    accepted.length > 0
      ? `Give what it wants besides: ${target.terms.short.password} answers password and keyboard-interactive.`
      : "Check the user and, on the host, its authorized_keys or its password.";
  return authenticationError(
    target,
    `${target.title} does not let ${target.hop.user} in: ${facts.join("; ")}. ${next}`,
  );
}

/** The error of an agent that keeps a login waiting until the time is over; undefined if none does. */
export function keptWaiting(target: Target, log: AuthLog): RealServerError | undefined {
  const turn = log.tried.find(({ waiting }) => waiting !== "");
  return (
    turn &&
    authenticationError(
      target,
      `${target.title}: ${turn.title} was asked ${turn.waiting}, and did not answer in time. ` +
        `Does it wait for somebody (a touch, a confirmation, a passphrase)?`,
    )
  );
}

function told({ title, found }: Turn): string {
  return found === "" ? title : `${title} (${found})`;
}

function takes(methods: readonly string[], identity: Identity): boolean {
  return methods.includes(identity.method === "agent" ? "publickey" : identity.method);
}

function authMethod(username: string, identity: Identity, turn: AgentTurn): AnyAuthMethod {
  switch (identity.method) {
    case "publickey":
      return { type: "publickey", username, key: identity.key };
    case "agent":
      return {
        type: "agent",
        username,
        agent: new NotingAgent(identity, turn),
      };
    case "password":
      return { type: "password", username, password: identity.password };
    case "keyboard-interactive": {
      let asked = false;
      return {
        type: "keyboard-interactive",
        username,
        // The password answers what is not echoed, once: a second question wants a new password
        // or a one-time code, and either would hand it to whoever reads the answer.
        prompt(_name, _instructions, _language, prompts, finish) {
          finish(prompts.map(({ echo }) => (asked || echo === true ? "" : identity.password)));
          asked = true;
        },
      };
    }
  }
}
