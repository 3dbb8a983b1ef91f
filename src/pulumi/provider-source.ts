/**
 * The text that stands as `__provider` in every resource's state. It is the wire format of Pulumi's
 * dynamic resources, and a public contract: it never changes, or every resource everywhere would
 * show a diff, so whatever must change goes into the module that it loads.
 *
 * Pulumi evaluates it without a file name, so the places to look in are spelled out: the working
 * directory (the program's), pnpm's store below it (the package is a dependency of a dependency),
 * and where Pulumi itself is installed. The next place is tried only when the package itself is
 * missing: a fault inside it must not be hidden by an older copy elsewhere. The error's stack is
 * empty because Pulumi prints it after the message.
 */
export const PROVIDER_SOURCE = [
  "exports.handler=()=>{let e,n='pulumi-lvs-dr',d=process.cwd();",
  "for(const p of[d+'/_',d+'/node_modules/.pnpm/_',require.main.filename])",
  "try{return require('module').createRequire(p)(n+'/provider')}",
  "catch(x){e=x.message.split('\\n')[0];if(!e.includes(`module '${n}/`))break}",
  "throw Object.assign(Error(`${n} cannot be loaded (${e}); npm install ${n} in ${d}`),{stack:''})}",
].join("");

/** The name of the property that holds it. */
export const PROVIDER_KEY = "__provider";
