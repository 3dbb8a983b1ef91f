/** How a real server is kept quiet about its VIPs, with all defaults applied. */
export interface Arp {
  /** `arp_ignore`: 1 answers for addresses of the receiving NIC only; 2 also asks for one subnet. */
  readonly ignore: 1 | 2;
  /** `arp_announce`: only 2 never puts an address of `lo` into a request. */
  readonly announce: 2;
  /** `all`: the kernel's `conf.all`, also for NICs to come; else just these NICs, sorted. */
  readonly interfaces: "all" | readonly string[];
  /** Globs of ARP-capable NICs that a list leaves out on purpose, sorted. */
  readonly except: readonly string[];
}

/**
 * Whether a NIC is left out on purpose.
 *
 * @param name An interface's name, as the kernel has it.
 * @param except Globs over whole names: `*` is any run of characters, `?` one, everything else
 *   stands for itself.
 */
export function isExcepted(name: string, except: readonly string[]): boolean {
  return except.some((glob) => matchesGlob(name, glob));
}

/**
 * Why a text cannot be a NIC in `arp.interfaces`; undefined when it can.
 *
 * The rule is the kernel's `dev_valid_name`: 1 to 15 bytes, no `/`, `:` or white space, not `.` or
 * `..`. `lo` receives no ARP, and `all` and `default` are no NICs but entries beside them.
 */
export function interfaceNameProblem(name: string): string | undefined {
  if (!isInterfaceName(name)) return "is not a name that a network interface can have";
  if (name === "lo") return "holds the VIPs and receives no ARP; name the NICs on the wire";
  if (name === "all" || name === "default") {
    return `is no NIC; write interfaces: "all" for every NIC`;
  }
  return undefined;
}

/** Why a text cannot be a glob in `arp.except`; undefined when it can. */
export function globProblem(glob: string): string | undefined {
  return glob.length <= 32 && /^[^\s/:\p{Cc}[\]]+$/u.test(glob)
    ? undefined
    : "is not a glob over interface names, such as veth* (* is any run of characters, ? is one)";
}

function isInterfaceName(name: string): boolean {
  return (
    /^[^\s/:\p{Cc}]+$/u.test(name) && Buffer.byteLength(name) <= 15 && name !== "." && name !== ".."
  );
}

/**
 * Names have 15 bytes at most, and runs of `*` become one, so that backtracking stays within some
 * 2^15 tries for any glob.
 */
function matchesGlob(name: string, glob: string): boolean {
  const pattern = (glob.match(/\*+|./gsu) ?? []).map((token) => {
    if (token.startsWith("*")) return ".*";
    return token === "?" ? "." : token.replace(/[\\^$.|+()[\]{}]/, "\\$&");
  });
  return new RegExp(`^${pattern.join("")}$`, "su").test(name);
}
