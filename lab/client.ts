import type { LabHost } from "./host";
import type { Keeper } from "./keeper";
import { webProcess } from "./web";

/** What a real server's web server says. */
export interface WebAnswer {
  /** The real server's name. */
  readonly servedBy: string;
  /** The address that it was asked on: the VIP, if it came by the director. */
  readonly asked: string;
}

/** What became of a stream of requests. */
export interface StreamResult {
  readonly sent: number;
  /** How many each real server answered, by its name. */
  readonly answered: Readonly<Record<string, number>>;
  /** One line a request that failed: refused, reset, no answer in time, or another status. */
  readonly failures: readonly string[];
  readonly slowestMilliseconds: number;
}

/** Requests that go on at a steady rate until they are stopped. */
export interface RequestStream {
  /** What became of it until now; requests under way are sent and not answered. */
  soFar(): Promise<StreamResult>;
  /** Sends no more, waits for what is under way, and ends. */
  stop(): Promise<StreamResult>;
}

/** Requests pages from a host of the lab, each over a connection of its own. */
export class Client {
  readonly host: LabHost;
  readonly #keeper: Keeper;

  private constructor(host: LabHost, keeper: Keeper) {
    this.host = host;
    this.#keeper = keeper;
  }

  /** On a host that is there already, such as a real server. It ends with the host. */
  static async on(host: LabHost): Promise<Client> {
    return new Client(host, await webProcess(host, "client.mjs"));
  }

  /**
   * Requests the page at an address.
   * @throws Error when it fails, or is not answered within 5 s.
   */
  async request(address: string): Promise<WebAnswer> {
    const question = { verb: "request", url: urlOf(address, "/"), milliseconds: PATIENCE };
    return (await this.#ask(question)) as WebAnswer;
  }

  /**
   * Requests a page of each address that takes its time.
   * @param milliseconds how long the connections stay open, from when this promise is kept.
   * @returns which real servers have begun to answer, in order; {@link finish} has the rest.
   */
  async open(addresses: readonly string[], milliseconds: number): Promise<string[]> {
    const urls = addresses.map((address) => urlOf(address, `/slow?ms=${milliseconds}`));
    const patience = PATIENCE + milliseconds;
    return (await this.#ask({ verb: "open", urls, milliseconds: patience })) as string[];
  }

  /**
   * Requests a page of each address that is complete when {@link finish} says so.
   * @returns which real servers have begun to answer, in order.
   */
  async hold(addresses: readonly string[]): Promise<string[]> {
    const urls = addresses.map((address) => urlOf(address, "/held"));
    return (await this.#ask({
      verb: "open",
      urls,
      milliseconds: PATIENCE,
      isHeld: true,
    })) as string[];
  }

  /**
   * Waits for all that {@link open} and {@link hold} began.
   * @throws Error when one is not complete in the end.
   */
  async finish(): Promise<WebAnswer[]> {
    return (await this.#ask({ verb: "finish" })) as WebAnswer[];
  }

  /** Starts a stream over these addresses in turn. A client has one at a time. */
  async stream(addresses: readonly string[], perSecond: number): Promise<RequestStream> {
    const urls = addresses.map((address) => urlOf(address, "/"));
    await this.#ask({ verb: "start", urls, perSecond, milliseconds: PATIENCE });
    return {
      soFar: async () => (await this.#ask({ verb: "soFar" })) as StreamResult,
      stop: async () => (await this.#ask({ verb: "stop" })) as StreamResult,
    };
  }

  async #ask(question: object): Promise<unknown> {
    const answer = JSON.parse(await this.#keeper.ask(JSON.stringify(question))) as {
      readonly result?: unknown;
      readonly error?: string;
    };
    if (answer.error !== undefined) throw new Error(`${this.host.name}: ${answer.error}`);
    return answer.result;
  }
}

const PATIENCE = 5000;

function urlOf(address: string, path: string): string {
  return `http://${address.includes(":") ? `[${address}]` : address}${path}`;
}
