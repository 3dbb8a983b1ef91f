// Files of keepalived's configuration and how they are undone, on hosts where keepalived does not run.
import { describe, it } from "vitest";

import { KEEPALIVED_CHANGES, KEEPALIVED_PROGRAM } from "../../src/host/scripts";
import { parseKeepalivedDirector } from "../../src/observed/director";
import { call, COMMIT_REQUEST } from "../../src/protocol/program";
import { Box, FLAVOURS } from "./box";
import { ok, type Session } from "./session";

const SELECTOR = "-t 203.0.113.10:80";
const FILE = "/var/lib/keepalived/a.conf";
const JOURNAL = "/var/lib/lvs-dr-director/journal";

const SHELLS = FLAVOURS.filter(({ ip }) => ip === "iproute2");

function open(box: Box): Session {
  const vips = [SELECTOR, FILE];
  return box.open({ program: KEEPALIVED_PROGRAM, changes: KEEPALIVED_CHANGES, vips });
}

/** The first answer, and then a block of two lines that is written and not committed. */
async function arranged(box: Box): Promise<Session> {
  const session = open(box);
  ok(await session.answer());
  const calls = [
    call("begin", ""),
    call("arrange", FILE, "one {", "}"),
    call("observe", SELECTOR, FILE),
  ];
  const seen = parseKeepalivedDirector(ok(await session.request(calls.join(" && "))));
  if (seen.keepalived?.block?.join() !== "one {,}") throw new Error("the file was not written");
  return session;
}

describe.concurrent.each(SHELLS)("a file of keepalived's under $shell", (options) => {
  const setUp = async (text?: string) => {
    const box = await Box.create(options);
    await box.run(`mkdir /var/lib/keepalived`);
    if (text !== undefined) await box.run(`printf '${text}' >${FILE}`);
    return box;
  };
  const files = async (box: Box) =>
    (await box.run("cd /var/lib/keepalived && grep -r . . || :")).stdout;

  it("is as it was where the connection is lost, byte by byte, and stays once it is committed", async ({
    expect,
  }) => {
    await using box = await setUp("# a\\tb\\n\\n'c' \\001 $d");
    const before = await files(box);
    await (await arranged(box)).end();
    expect(await files(box)).toBe(before);
    const session = await arranged(box);
    ok(await session.request(COMMIT_REQUEST));
    await session.end();
    expect(await files(box)).toBe("./a.conf:one {\n./a.conf:}\n");
  });

  it("is gone where there was none, and back where it was removed", async ({ expect }) => {
    await using box = await setUp();
    await (await arranged(box)).end();
    expect(await files(box)).toBe("");
    await box.run(`echo old >${FILE}`);
    const session = open(box);
    ok(await session.answer());
    ok(await session.request(`${call("begin", "")} && ${call("arrange", FILE)}`));
    expect(await files(box)).toBe("");
    await session.end();
    expect(await files(box)).toBe("./a.conf:old\n");
  });

  it("leaves nothing to undo where its folder cannot be changed", async ({ expect }) => {
    await using box = await setUp("old\\n");
    const folder = "/var/lib/keepalived";
    await box.run(`mount --bind ${folder} ${folder} && mount -o remount,bind,ro ${folder}`);
    for (const lines of [["new"], []]) {
      const session = open(box);
      ok(await session.answer());
      const calls = `${call("begin", "")} && ${call("arrange", FILE, ...lines)}`;
      expect(await session.request(calls)).toMatchObject({
        ...{
          status: "rolled-back",
          body: expect.stringContaining(`${FILE} cannot be written: `) as string,
        },
      });
      await session.end();
      expect((await box.run(`ls ${JOURNAL} 2>&1 || :`)).stdout).toContain("No such file");
    }
    expect(await files(box)).toBe("./a.conf:old\n");
  });

  it.for(["this boot", "an earlier boot, whose last steps a power cut has made zeros"])(
    "is put back by the next operation after one that died in %s",
    async (boot, { expect }) => {
      await using box = await setUp("half a");
      const isOther = !boot.startsWith("this");
      const id = isOther ? "echo other" : "cat /proc/sys/kernel/random/boot_id";
      const end = isOther ? "printf '\\000\\000\\000\\n'" : "echo reloaded -";
      await box.run(
        `mkdir -p ${JOURNAL.replace("journal", "owners")}; printf half >/var/lib/keepalived/.a.conf.new
        { echo lvs-dr-journal 1; echo boot $(${id}); echo by somebody
        echo managed ${FILE} $(echo old | base64); ${end}; } >${JOURNAL}`,
      );
      const session = open(box);
      const seen = parseKeepalivedDirector(ok(await session.answer()));
      expect(session.notes).toEqual(["undoing an operation that was cut off"]);
      expect(seen.keepalived).toMatchObject({ daemons: [], block: ["old"], hasFolder: true });
      await session.end();
      expect(await files(box)).toBe("./a.conf:old\n");
    },
  );
});
