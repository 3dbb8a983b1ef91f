/**
 * Spares a resource's constructor the texts of the stack traces that Pulumi keeps of its own promises.
 *
 * Pulumi notes four for each property of a resource (`debuggablePromise` in its runtime), for messages that
 * it has only with PULUMI_DEBUG_PROMISE_LEAKS. With source maps, as a program in TypeScript has them, they
 * are more than all else that a program does: 3 ms a resource. Any other trace is as ever, such as that of
 * an error thrown meanwhile, or the one by which Pulumi finds where a program declares the resource.
 *
 * @returns what ends it; to be called before anything else has its turn
 */
export function omitPromiseTraces(): () => void {
  const { prepareStackTrace: format } = errors;
  const isWanted = process.env["PULUMI_DEBUG_PROMISE_LEAKS"];
  // Node.js takes what is no function for none, and formats by itself.
  if (typeof format !== "function" || isWanted) return () => undefined;
  const omitting: Format = (error, sites) =>
    sites[0]?.getFunctionName() === "debuggablePromise" ? "" : format.call(Error, error, sites);
  errors.prepareStackTrace = omitting;
  return () => {
    if (errors.prepareStackTrace === omitting) errors.prepareStackTrace = format;
  };
}

type Format = (this: unknown, error: Error, sites: NodeJS.CallSite[]) => unknown;

/** Node.js 20 and later have a default there, which applies source maps. */
const errors = Error as { prepareStackTrace?: Format | null };
