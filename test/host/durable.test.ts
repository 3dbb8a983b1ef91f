import { dirname } from "node:path";
import { describe, it } from "vitest";

import { Box } from "./box";
import { claim, serve, withdraw } from "./claims";
import { carryOut } from "./session";

const REGISTRY = "/var/lib/lvs-dr";
const JOURNAL = `${REGISTRY}/journal`;
const WEB = claim("web", ["203.0.113.10"], { persist: true });

describe.concurrent("for the sake of a power cut", () => {
  it.for(["create", "withdrawal"])(
    "a %s has its journal on disk before any file changes, and every file before the journal goes",
    async (what, { expect }) => {
      await using box = await Box.create({ init: "systemd" });
      if (what === "withdrawal") await carryOut(box.open(), serve(WEB));
      const { before, during, after } = await callsOf(box, what === "create" ? serve : withdraw);
      // Copies first: the undo puts back whatever copy it finds.
      const copied = what === "create" ? [] : [`${REGISTRY}/undo/saved`, `${REGISTRY}/undo`];
      expect(syncedBy(before)).toEqual(expect.arrayContaining(copied));
      expect(changedBy(before)).toEqual([]);
      const changed = changedBy(during);
      expect(changed.map(([, path]) => path)).toEqual(
        expect.arrayContaining([`${REGISTRY}/replay`, UNIT, LINK, `${REGISTRY}/saved`]),
      );
      for (const [tool, path, at] of changed) {
        const then = syncedBy(during.slice(at));
        expect(then, path).toContain(dirname(path));
        if (tool === "mv") expect(then).toContain(path);
      }
      expect(after[0]).toEqual(["sync", REGISTRY]);
    },
  );

  it("what a boot runs is whole on disk before it takes its name", async ({ expect }) => {
    await using box = await Box.create({ init: "systemd" });
    const { during } = await callsOf(box, serve);
    for (const path of [`${REGISTRY}/replay`, UNIT]) {
      const at = during.findIndex(([tool, , to]) => tool === "mv" && to === path);
      const synced = during.slice(0, at).findLastIndex(([tool]) => tool === "sync");
      expect(during[synced]).toContain(during[at]?.[1]);
      expect(during.slice(synced, at).every(([tool]) => tool === "sync" || tool === "mv")).toBe(
        true,
      );
    }
  });
});

const UNIT = "/etc/systemd/system/pulumi-lvs-dr.service";
const LINK = "/etc/systemd/system/multi-user.target.wants/pulumi-lvs-dr.service";

type Calls = readonly (readonly string[])[];

/** What is called of the tools that change files or sync them: before, under and after the journal. */
async function callsOf(
  box: Box,
  change: typeof serve,
): Promise<{ before: Calls; during: Calls; after: Calls }> {
  await box.run(`for tool in sync mv rm ln; do
    printf '#!/bin/sh\\necho %s "$@" >>/mnt/calls\\nexec /usr/bin/%s "$@"\\n' $tool $tool >/mnt/first/$tool
    chmod +x /mnt/first/$tool
  done`);
  await carryOut(box.open(), change(WEB));
  const { stdout } = await box.run("cat /mnt/calls");
  const calls = stdout
    .trim()
    .split("\n")
    .map((line) => line.split(" "));
  const made = calls.findIndex(
    ([tool, ...paths]) => tool === "sync" && paths.join() === `${JOURNAL},${REGISTRY}`,
  );
  if (made < 0) throw new Error(`the journal is not synced with its folder:\n${stdout}`);
  const gone = calls.findIndex(([tool, path]) => tool === "rm" && path === JOURNAL);
  return {
    before: calls.slice(0, made),
    during: calls.slice(made + 1, gone),
    after: calls.slice(gone + 1),
  };
}

function syncedBy(calls: Calls): string[] {
  return calls.filter(([tool]) => tool === "sync").flatMap(([, ...paths]) => paths);
}

/** The tool, the path that it changed, and when. */
function changedBy(calls: Calls): [string, string, number][] {
  return calls.flatMap(([tool = "", ...words], at): [string, string, number][] => {
    const path = words.at(-1) ?? "";
    return tool === "sync" || words[0] === "-rf" ? [] : [[tool, path, at]];
  });
}
