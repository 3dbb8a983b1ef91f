/**
 * The text that stands as `__provider` in every resource's state, twice. It is the wire format of
 * Pulumi's dynamic resources, and a public contract: it never changes, or every resource everywhere
 * would show a diff, so whatever must change goes into the module that it loads.
 *
 * Pulumi evaluates it without a file name, so the places to look in are spelled out: the working
 * directory (the program's), pnpm's store below it (the package is a dependency of a dependency),
 * and where Pulumi itself is installed. They are places of one search, so a fault inside the package is
 * not hidden by an older copy elsewhere. The error's stack is empty because Pulumi prints it after the
 * message.
 */
export const PROVIDER_SOURCE = loading("pulumi-lvs-dr/provider");

/** The same for virtual services. Both run in one process. */
export const SERVICE_PROVIDER_SOURCE = loading("pulumi-lvs-dr/virtual-service");

/** The name of the property that holds it. */
export const PROVIDER_KEY = "__provider";

function loading(entry: string): string {
  return [
    `try{let r=require;module.exports=r(r.resolve('${entry}',`,
    "{paths:['.','node_modules/.pnpm',r.main.path]}))}catch(e){throw e.stack='',e}",
  ].join("");
}
