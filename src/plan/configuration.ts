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
 * time, so a stanza that is never brought up is named, too. A script may have the VIP in a variable:
 * then it is its line that binds something to `lo`. An IPv6 VIP is found in its canonical spelling.
 */
export function bindingLines(
  vips: readonly string[],
  lines: readonly ConfiguredLine[],
): BindingLine[] {
  return lines
    .filter(({ text }) => !/^\s*[#;]/.test(text))
    .flatMap((one) => {
      const bound = boundIn(one, lines);
      return vips
        .filter((vip) => bound.includes(vip))
        .map((vip) => ({ vip, file: one.file, line: one.line }));
    });
}

/** What addresses a line binds, canonical. */
function boundIn({ file, text }: ConfiguredLine, lines: readonly ConfiguredLine[]): string[] {
  const command = COMMAND.exec(text)?.[1];
  if (command !== undefined && /\$/.test(command)) {
    const others = lines.filter((one) => one.file === file);
    return [command, ...others.flatMap((one) => VARIABLE.exec(one.text)?.[1] ?? [])].flatMap(
      addressesIn,
    );
  }
  if (command !== undefined) return addressesIn(command);
  const found = GRAMMARS.find(({ of }) => of.test(file))?.binds.exec(text);
  return addressesIn(found?.slice(1).join(" ") ?? "");
}

/**
 * `ip addr add 203.0.113.10/32 dev lo`, `ifconfig lo:0 203.0.113.10 up`, in a script, a stanza, a unit,
 * or a list of words.
 */
const COMMAND =
  /\b(?:ip[\s,"'].*?\ba\w*[\s,"']+(?:a(?:dd?)?|replace|change)|ifconfig[\s,"']+[^\s,"']+)[\s,"']+([^#]*)/;

/** `VIP=203.0.113.10`, `for vip in 203.0.113.10 203.0.113.11; do`. */
const VARIABLE = /^\s*(?:\w+\s+)*?(?:\w+=|for\s+\w+\s+in\s)([^#]*)/;

const WITH_PREFIX = String.raw`["']?[0-9a-fA-F.:]+\/\d+`;

/** How each kind of file gives an interface an address. */
const GRAMMARS: readonly { readonly of: RegExp; readonly binds: RegExp }[] = [
  { of: /\/ifcfg-/, binds: /^\s*(?:IPADDR\w*|IPV6ADDR\w*)=(.*)/ },
  { of: /\.xml$/, binds: /<local>(.*?)<\/local>/ },
  // Its value may go over lines; that of routes has other words.
  {
    of: /^\/etc\/conf\.d\/net$/,
    binds: new RegExp(String.raw`^\s*(?:config_\w+\+?=(.*)|(${WITH_PREFIX})["']?\s*$)`),
  },
  { of: /\.network$|\.network\.d\//, binds: /^\s*Address\s*=(.*)/ },
  { of: /\/system-connections\//, binds: /^\s*address(?:es|\d+)\s*=(.*)/ },
  // A name server's address stands in such a list, too, but without a prefix.
  {
    of: /\.yaml$|^\/etc\/cloud\//,
    binds: new RegExp(
      String.raw`^\s*-\s+(${WITH_PREFIX}.*)|\baddresses:\s*\[([^\]]*\/\d[^\]]*)|^\s*(?:-\s+)?address:\s*(${WITH_PREFIX})`,
    ),
  },
  // Without a device it is bound to the instance's, as directors do.
  {
    of: /^\/etc\/keepalived\//,
    binds: /^\s*(?:virtual_ipaddress\w*\s*\{)?\s*([0-9a-fA-F.:/]+\s(?:.*\s)?dev\s+lo\b.*)/,
  },
  // ifupdown, whose files may have any name.
  { of: /^/, binds: /^\s*address\s+(\S+)/ },
];

function addressesIn(text: string): string[] {
  return text
    .split(/[\s"'`,;=()[\]{}]+/)
    .flatMap((word) => canonicalAddress(word.replace(/\/\d+:?$/, "")) ?? []);
}
