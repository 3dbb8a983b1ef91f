import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  CommandError,
  LocalWorkspace,
  type ConfigMap,
  type EngineEvent,
  type PulumiFn,
  type Stack,
} from "@pulumi/pulumi/automation";
import * as settings from "@pulumi/pulumi/runtime/settings";
import { Cli } from "./cli";

const ROOT = path.resolve(__dirname, "..");

// Programs run in this process, and what is left of engines that were killed goes on calling at their
// ports. Where a new engine gets such a port, gRPC would give it the old one's failed connection, for it
// shares connections by address; Pulumi then takes the program for one that declares nothing.
Object.assign((settings as unknown as { grpcClientOptions: object }).grpcClientOptions, {
  "grpc.use_local_subchannel_pool": 1,
});

/** What one run of the engine did and said. */
export interface Outcome {
  readonly succeeded: boolean;
  /** All that `pulumi` printed, as it came. */
  readonly text: string;
  /** How many resources were created, updated, left the same and so on. */
  readonly changes: Readonly<Record<string, number>>;
  /** What was said on the rows: severity, message, URN and whether it was only for the moment. */
  readonly said: readonly Said[];
  /** What was done to each resource: `op` is create, update, same, refresh, delete and so on. */
  readonly steps: readonly {
    readonly op: string;
    readonly urn: string;
    readonly diffs: string[];
  }[];
}

/** Words on a row. */
export interface Said {
  readonly severity: string;
  readonly message: string;
  readonly urn: string;
  readonly ephemeral: boolean;
}

/** A resource as `pulumi stack export` shows it. */
export interface Exported {
  readonly urn: string;
  readonly type: string;
  readonly id?: string;
  readonly inputs?: Record<string, unknown>;
  readonly outputs?: Record<string, unknown>;
  readonly initErrors?: string[];
}

/** How an operation is run, beyond what it does. */
export interface RunOptions {
  readonly refresh?: boolean;
  readonly parallel?: number;
  readonly exclude?: string[];
  /** URNs of the only resources to work on, and whether what depends on them goes along. */
  readonly target?: string[];
  readonly targetDependents?: boolean;
  /** URNs of resources to replace, whether or not they differ. */
  readonly replace?: string[];
  readonly diff?: boolean;
  readonly continueOnError?: boolean;
  /** No log of events, as people run it: of the outcome, `said` and `steps` are empty. Default: false. */
  readonly withoutEvents?: boolean;
  /** Called with each piece of output as it comes. */
  readonly onOutput?: (text: string) => void;
  /** Called with each event as it comes. */
  readonly onEvent?: (event: EngineEvent) => void;
}

/** Where and how the engine runs. */
export interface EngineOptions {
  readonly project?: string;
  readonly stack?: string;
  readonly env?: Record<string, string>;
  /** Stack config, with full keys such as "lab:hosts". */
  readonly config?: ConfigMap;
}

/**
 * The real `pulumi` on one stack of a file backend of its own, in a folder of its own from which
 * Pulumi and this package resolve. Programs run inline, in this process. HOME and PULUMI_HOME are in
 * that folder too, so that no one's known hosts and agents play a part.
 */
export class Engine {
  private constructor(
    /** The program's folder, where Pulumi.yaml is. */
    readonly directory: string,
    /** The HOME of the engine and of the provider. */
    readonly home: string,
    private readonly cli: Cli,
    private readonly stack: Stack,
    private readonly options: EngineOptions,
  ) {}

  /** Makes the folder, the backend and the stack. */
  static async create(options: EngineOptions = {}): Promise<Engine> {
    const directory = await mkdtemp(path.join(tmpdir(), "lvs-dr-engine-"));
    try {
      await mkdir(path.join(directory, "node_modules/@pulumi"), { recursive: true });
      await symlink(ROOT, path.join(directory, "node_modules/pulumi-lvs-dr"));
      const sdk = path.join(ROOT, "node_modules/@pulumi/pulumi");
      await symlink(sdk, path.join(directory, "node_modules/@pulumi/pulumi"));
      await mkdir(path.join(directory, "home/.ssh"), { recursive: true, mode: 0o700 });
      await mkdir(path.join(directory, "backend"));
      return await Engine.open(directory, options);
    } catch (error) {
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /** Another stack on the same backend, as a second engine; the first one's `remove` ends both. */
  other(stack: string): Promise<Engine> {
    return Engine.open(this.directory, { ...this.options, stack });
  }

  private static async open(directory: string, options: EngineOptions): Promise<Engine> {
    const home = path.join(directory, "home");
    const url = `file://${directory}/backend`;
    const cli = await Cli.create(directory);
    const env = {
      ...cli.environment,
      HOME: home,
      PULUMI_HOME: path.join(home, ".pulumi"),
      PULUMI_BACKEND_URL: url,
      PULUMI_CONFIG_PASSPHRASE: "lab",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      SSH_AUTH_SOCK: "",
      ...options.env,
    };
    const projectName = options.project ?? "lab";
    const stack = await LocalWorkspace.createOrSelectStack(
      { projectName, stackName: options.stack ?? "test", program: () => Promise.resolve() },
      {
        workDir: directory,
        pulumiCommand: cli.command,
        envVars: env,
        projectSettings: { name: projectName, runtime: "nodejs", backend: { url } },
      },
    );
    if (options.config) await stack.setAllConfig(options.config);
    return new Engine(directory, home, cli, stack, options);
  }

  /** The environment of the engine; change it between runs as you like. */
  get env(): Record<string, string> {
    return this.stack.workspace.envVars;
  }

  /** Sets one key of the stack's config, by its full name. */
  configure(key: string, value: string): Promise<void> {
    return this.stack.setConfig(key, { value });
  }

  /** `pulumi up`. */
  up(program: PulumiFn, options: RunOptions = {}): Promise<Outcome> {
    return observe(options, (all) => this.stack.up({ ...all, program }));
  }

  /** `pulumi preview`. */
  preview(program: PulumiFn, options: RunOptions = {}): Promise<Outcome> {
    return observe(options, (all) => this.stack.preview({ ...all, program }));
  }

  /** `pulumi refresh`. */
  refresh(options: RunOptions = {}): Promise<Outcome> {
    return observe(options, (all) => this.stack.refresh(all));
  }

  /** `pulumi destroy`. */
  destroy(options: RunOptions = {}): Promise<Outcome> {
    return observe(options, (all) => this.stack.destroy(all));
  }

  /** `pulumi cancel`, after an engine was killed. */
  cancel(): Promise<void> {
    return this.stack.cancel();
  }

  /** Any other command of the CLI, on this backend. */
  run(...args: string[]): Promise<{ succeeded: boolean; text: string }> {
    return this.cli.run(args, this.directory, this.env);
  }

  /** The resources in the state, secrets in clear. */
  async resources(): Promise<Exported[]> {
    const exported = (await this.stack.exportStack()) as { deployment: { resources?: Exported[] } };
    return exported.deployment.resources ?? [];
  }

  /** The state file's text, byte by byte as it lies in the backend. */
  stateText(): Promise<string> {
    const { project, stack } = { project: "lab", stack: "test", ...this.options };
    const file = path.join(this.directory, `backend/.pulumi/stacks/${project}/${stack}.json`);
    return readFile(file, "utf8");
  }

  /** Writes the engine's `~/.ssh/known_hosts`. */
  writeKnownHosts(text: string): Promise<void> {
    return writeFile(path.join(this.home, ".ssh/known_hosts"), text);
  }

  /** Sends a signal to the engine of the operation under way, and to it alone; see {@link Cli.signal}. */
  signal(name: NodeJS.Signals, isMeant?: () => boolean): Promise<void> {
    return this.cli.signal(name, isMeant);
  }

  /** Removes the folder. */
  async remove(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}

async function observe(
  { withoutEvents = false, ...options }: RunOptions,
  operation: (options: RunOptions) => Promise<unknown>,
): Promise<Outcome> {
  const events: EngineEvent[] = [];
  let text = "";
  const all = {
    ...options,
    onOutput: (piece: string) => {
      text += piece;
      options.onOutput?.(piece);
    },
    onError: (piece: string) => {
      text += piece;
    },
    ...(!withoutEvents && {
      onEvent: (event: EngineEvent) => {
        events.push(event);
        options.onEvent?.(event);
      },
    }),
  };
  const succeeded = await operation(all).then(
    () => true,
    (error: unknown) => {
      if (!(error instanceof CommandError)) throw error;
      return false;
    },
  );
  const known = summary(events);
  return { succeeded, text, ...known, ...(withoutEvents && { changes: changesIn(text) }) };
}

/** Of the last lines: `    + 201 created`, `    7 unchanged`. */
function changesIn(text: string): Outcome["changes"] {
  const [, counts = ""] = text.split("\nResources:\n");
  const all = [...counts.matchAll(/^ +(?:[^\d\s]+ )?(\d+) (\w+)$/gm)];
  return Object.fromEntries(all.map(([, count, done = ""]) => [DONE[done] ?? done, Number(count)]));
}

const DONE: Readonly<Record<string, string>> = {
  ...{ created: "create", updated: "update", deleted: "delete", unchanged: "same" },
};

function summary(events: readonly EngineEvent[]): Pick<Outcome, "changes" | "said" | "steps"> {
  return {
    changes: events.findLast((event) => event.summaryEvent)?.summaryEvent?.resourceChanges ?? {},
    said: events.flatMap(({ diagnosticEvent: event }) => {
      // The SDK's own debug messages, which only --debug prints, quote whole resources.
      if (event === undefined || (event.severity as string) === "debug") return [];
      const { severity, message, urn = "", ephemeral = false } = event;
      return [{ severity, message, urn, ephemeral }];
    }),
    steps: events.flatMap(({ resourcePreEvent: event }) => {
      if (event === undefined) return [];
      const { op, urn, diffs } = event.metadata;
      return [{ op, urn, diffs: diffs ?? [] }];
    }),
  };
}
