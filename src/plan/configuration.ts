import { canonicalAddress } from "../domain/address";
import type { ConfiguredLine } from "../observed/observed";

/** A line of a file that binds a VIP again, whatever this package does. */
export interface BindingLine {
  readonly vip: string;
  readonly file: string;
  readonly line: number;
}

/**
 * The lines by which a network manager or a boot script binds one of these VIPs. Pure; a line at a
 * time, so a stanza that is never brought up is named, too. An IPv6 VIP is found in its canonical
 * spelling.
 */
export function bindingLines(
  vips: readonly string[],
  lines: readonly ConfiguredLine[],
): BindingLine[] {
  return lines.flatMap(({ file, line, text }) => {
    const bound = boundIn(file, text);
    return vips.filter((vip) => bound.includes(vip)).map((vip) => ({ vip, file, line }));
  });
}

/** What addresses a line binds, canonical. */
function boundIn(file: string, text: string): string[] {
  if (/^\s*[#;]/.test(text)) return [];
  const command = COMMAND.exec(text)?.[1];
  if (command !== undefined) return addressesIn(command);
  const found = GRAMMARS.find(({ of }) => of.test(file))?.binds.exec(text);
  return addressesIn(found?.slice(1).join(" ") ?? "");
}

/** `ip addr add 203.0.113.10/32 dev lo`, `ifconfig lo:0 203.0.113.10 up`, in a script or a stanza. */
const COMMAND = /\b(?:ip\s.*?\ba\w*\s+(?:add|replace)|ifconfig\s+\S+)\s+([^#]*)/;

/** How each kind of file gives an interface an address. */
const GRAMMARS: readonly { readonly of: RegExp; readonly binds: RegExp }[] = [
  { of: /^\/etc\/network\/interfaces/, binds: /^\s*address\s+(\S+)/ },
  { of: /\/ifcfg-/, binds: /^\s*(?:IPADDR\w*|IPV6ADDR\w*)=(.*)/ },
  { of: /^\/etc\/conf\.d\/net$/, binds: /^\s*config_\w+=(.*)/ },
  { of: /\.network$/, binds: /^\s*Address\s*=(.*)/ },
  { of: /\/system-connections\//, binds: /^\s*address(?:es|\d+)\s*=(.*)/ },
  // A name server's address stands in such a list, too, but without a prefix.
  { of: /\.yaml$/, binds: /^\s*(?:-\s+(["']?[0-9a-f.:]+\/\d+.*)|addresses:\s*\[(.*\/\d.*))/ },
];

function addressesIn(text: string): string[] {
  return text
    .split(/[\s"'`,;()[\]{}]+/)
    .flatMap((word) => canonicalAddress(word.replace(/\/\d+:?$/, "")) ?? []);
}
