import { createHash } from "node:crypto";

import type { KitFile } from "../../src/host/boot-kit";
import { REAL_SERVER_KIT } from "../../src/host/real-server-kit";
import type { KitState } from "./scenario";

/** Where a lab host has what binds its VIPs again at boot. */
export const KIT_PATHS = {
  replay: "/var/lib/lvs-dr/replay",
  unit: "/etc/init.d/pulumi-lvs-dr",
  link: "/etc/runlevels/boot/pulumi-lvs-dr",
} as const;

/** What the replay of this boot had to say. */
export const OUTCOME = "/run/pulumi-lvs-dr.boot";

/** Shell lines of somebody else's hand on a kit that is there. */
export function damageKit(state: KitState): string {
  const { replay, unit, link } = KIT_PATHS;
  switch (state) {
    case "whole":
      return "";
    case "older":
    case "newer":
      return `${written(REAL_SERVER_KIT.replay, VERSIONS[state])} >${replay}; ${written(REAL_SERVER_KIT.units.openrc, VERSIONS[state])} >${unit}`;
    case "with a changed unit":
      return `echo '# mine' >>${unit}`;
    case "without its unit":
      return `rm -f ${unit}`;
    case "without its link":
      return `rm -f ${link}`;
    case "with a changed replay":
      return `echo exit >>${replay}`;
    case "without its replay":
      return `rm -f ${replay}`;
    case "that found something":
      return `echo 'found arp_ignore of all was 0' >${OUTCOME}`;
    case "that failed":
      return `printf '%s\\n' 'found arp_ignore of all was 0' 'failed eth9 is not there' >${OUTCOME}`;
  }
}

/** Shell lines that take all of it off a host. */
export function removeKit(): string {
  const { unit, link } = KIT_PATHS;
  return `
    rm -f ${unit} ${link} ${OUTCOME}
    rm -f /etc/init.d/.pulumi-lvs-dr.new /etc/runlevels/boot/.pulumi-lvs-dr.new /run/.pulumi-lvs-dr.new`;
}

/**
 * What the documents promise of the kit, of all that a host has for its boot: gone where no owner needs
 * it. Where the owner just served asks for it, each file is of this version, or of a newer one that was
 * there, and a failure that was told is forgotten. Else it is as it was: a failure too, because what
 * the replay failed at is for an owner that it binds VIPs for.
 */
export function bootAfter(
  before: ReadonlyMap<string, string>,
  { needed, asked }: { needed: boolean; asked: boolean },
): Map<string, string> {
  const after = new Map([...before].filter(([name]) => name.startsWith("boot ")));
  for (const name of ["replay", "unit", "link"] as const) {
    const path = `boot ${KIT_PATHS[name]}`;
    if (!needed) after.delete(path);
    else if (asked && before.get(path) !== seen(name, VERSIONS.newer))
      after.set(path, seen(name, VERSIONS.whole));
  }
  if (asked && / failed /.test(before.get(`boot ${OUTCOME}`) ?? ""))
    after.delete(`boot ${OUTCOME}`);
  return after;
}

const VERSIONS = {
  older: REAL_SERVER_KIT.version - 1,
  whole: REAL_SERVER_KIT.version,
  newer: REAL_SERVER_KIT.version + 1,
};

/** As a snapshot has it. */
function seen(name: keyof typeof KIT_PATHS, version: number): string {
  switch (name) {
    case "replay":
      return `600 root ${sha256(textOf(REAL_SERVER_KIT.replay, version))}`;
    case "unit":
      return `755 root ${sha256(textOf(REAL_SERVER_KIT.units.openrc, version))}`;
    case "link":
      return `777 root ${KIT_PATHS.unit}`;
  }
}

function textOf({ lines }: KitFile, version: number): string {
  return lines
    .map((line) => `${line}\n`)
    .join("")
    .replace(`pulumi-lvs-dr boot ${REAL_SERVER_KIT.version}:`, `pulumi-lvs-dr boot ${version}:`);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function written(file: KitFile, version: number): string {
  return `base64 -d <<<'${Buffer.from(textOf(file, version)).toString("base64")}'`;
}
