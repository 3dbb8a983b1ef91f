#!/usr/bin/env node
// The command. It knows nothing of Pulumi.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseCommandLine, type Command, type InspectCommand, type Way } from "./arguments";
import { commandAdvice } from "./advice";
import { connectionOf, requireKnownHosts } from "./connection";
import { hostsOf } from "./hosts";
import { lookAtHosts } from "./look-at-hosts";
import { release } from "./release";
import { COMMAND_TERMS } from "./terms";
import { USAGE, UsageError } from "./usage";
import { RealServerError } from "../domain/errors";
import { visible } from "../domain/terminal";
import { lookAt, type Onlooker } from "../inspect/look";
import { summaryOf } from "../inspect/summary";
import { inspectionsJson, inspectionsText } from "../inspect/summary-text";
import { inspectionJson, inspectionText } from "../inspect/text";

const OK = 0;
const SOMETHING_WRONG = 1;
const NOT_DONE = 2;
const INTERRUPTED = 130;

/** Does what the command line says. @returns the exit status */
async function main(words: readonly string[]): Promise<number> {
  const signal = interruptSignal();
  try {
    return await execute(parseCommandLine(words), signal);
  } catch (error) {
    for (const line of signal.aborted ? [STOPPED] : messageOf(error)) say(line);
    return signal.aborted ? INTERRUPTED : NOT_DONE;
  }
}

async function execute(command: Command, signal: AbortSignal): Promise<number> {
  switch (command.kind) {
    case "help":
      process.stdout.write(USAGE);
      return OK;
    case "version":
      process.stdout.write(`${version()}\n`);
      return OK;
    case "inspect":
      return inspectCommand(command, signal);
    case "release":
      return releaseCommand(command, signal);
  }
}

/** One host that was typed has its report alone, as ever; whatever else is many, if only one is left. */
async function inspectCommand(command: InspectCommand, signal: AbortSignal): Promise<number> {
  const [way, ...more] = command.hosts;
  return way !== undefined && more.length === 0 && command.hostsFile === undefined
    ? inspectOne(way, command, signal)
    : inspectMany(command, signal);
}

async function inspectOne(
  way: Way,
  { json, names }: InspectCommand,
  signal: AbortSignal,
): Promise<number> {
  const onlooker: Onlooker = { signal, progress: progressing(), terms: COMMAND_TERMS };
  const connection = await connectionOf(way, process.env);
  await requireKnownHosts(connection, say);
  const { connectSeconds } = way;
  const { inspection } = await lookAt(connection, { names, connectSeconds }, onlooker);
  await writeReport(json ? inspectionJson(inspection) : inspectionText(inspection));
  return inspection.ok ? OK : SOMETHING_WRONG;
}

async function inspectMany(command: InspectCommand, signal: AbortSignal): Promise<number> {
  const list = await hostsOf(command, signal);
  const onlooker = { environment: process.env, signal, say, progress: progressing() };
  const looks = await lookAtHosts(list, command, onlooker);
  const summary = summaryOf(looks, list.repeated);
  const text = command.json ? inspectionsJson : inspectionsText;
  await writeReport(text(looks, summary));
  if (summary.notInspected.length > 0) return NOT_DONE;
  return summary.ok ? OK : SOMETHING_WRONG;
}

function progressing(): (text: string) => void {
  return process.stderr.isTTY ? say : ignore;
}

async function releaseCommand(
  { way, owner, yes, sysctls }: Extract<Command, { kind: "release" }>,
  signal: AbortSignal,
): Promise<number> {
  const onlooker: Onlooker = { signal, progress: say, terms: COMMAND_TERMS };
  const connection = await connectionOf(way, process.env);
  await requireKnownHosts(connection, say);
  const seen = await lookAt(
    connection,
    { connectSeconds: way.connectSeconds, operationSeconds: 120 },
    onlooker,
  );
  const done = await release(seen, { owner, yes, sysctls, say });
  say(done ? "released" : "nothing was withdrawn");
  return done ? OK : NOT_DONE;
}

/**
 * Writes the report, all of it: a script that goes by our status must not take half of one for good.
 *
 * @throws UsageError when its reader is gone, or the disk full
 */
async function writeReport(text: string): Promise<void> {
  const error = await new Promise<Error | null | undefined>((resolve) => {
    process.stdout.write(`${text}\n`, resolve);
  });
  if (error) throw new UsageError(`the report could not be written: ${reasonOf(error)}`);
}

function reasonOf(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case "EPIPE":
      return "nobody reads it any more";
    case "ENOSPC":
      return "the disk is full";
    default:
      return error.message;
  }
}

/** The first ^C ends the operation, and the host undoes it; the second ends the process. */
function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(INTERRUPTED);
      controller.abort(new RealServerError("failed", "interrupted", { aftermath: "unknown" }));
    });
  }
  return controller.signal;
}

/** A line for people. */
function say(text: string): void {
  process.stderr.write(`${visible(text)}\n`);
}

function ignore(): void {}

const STOPPED = "interrupted; what was not committed, the host undoes by itself";

function messageOf(error: unknown): readonly string[] {
  if (error instanceof UsageError) return [...error.lines, "Try: pulumi-lvs-dr --help"];
  if (error instanceof RealServerError) return error.withAdvice(commandAdvice).split("\n");
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return [`a fault in pulumi-lvs-dr: ${text}`];
}

function version(): string {
  const file = readFileSync(join(__dirname, "..", "..", "package.json"), "utf8");
  return (JSON.parse(file) as { version: string }).version;
}

// Whoever writes reports it; without a listener the process would end before that.
process.stdout.on("error", ignore);
void main(process.argv.slice(2)).then((status) => (process.exitCode = status));
