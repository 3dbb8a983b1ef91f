import { describe, expect, it } from "vitest";

import { COMMIT_REQUEST } from "../../src/host/program";
import { Box, FLAVOURS } from "../host/box";
import { claim, serve, withdraw } from "../host/claims";
import { carryOut, ok, prepare } from "../host/session";

const VIPS = ["203.0.113.10", "203.0.113.11", "2001:db8::10"];

// What the campaign found once, by the plainest way to it.
describe.each(FLAVOURS)("under $shell with $ip's ip", (flavour) => {
  it.each(["HUP", "TERM"])(
    "%s while the shell waits for the commit undoes it all",
    async (name) => {
      await using box = await Box.create(flavour);
      const before = await box.snapshot();
      const session = box.open({ vips: VIPS });
      const { request } = await prepare(session, serve(claim("web", VIPS)));
      const shell = ok(await session.request("body=$$"));
      ok(await session.request(request));
      await box.run(`kill -${name} ${shell}`);
      await session.end();
      expect(await box.snapshot()).toBe(before);
    },
  );

  it("a call of ip that does its work and is killed then is undone", async () => {
    await using box = await Box.create(flavour);
    const before = await box.snapshot();
    // The first address is bound, by whichever call, and nobody hears of it.
    await box.run(`cat >/mnt/first/ip <<'END'
#!/bin/sh
case "$*" in
  *"-batch -") case "$1" in -4 | -6) ;; *) exec /mnt/first/real "$@" ;; esac ;;
  *"addr add"*) ;;
  *) exec /mnt/first/real "$@" ;;
esac
/mnt/first/real "$@"
kill -KILL $$
END
      chmod 755 /mnt/first/ip
      cp "$(PATH=\${PATH#/mnt/first:} command -v ip)" /mnt/first/real
      [ ! -L /mnt/bin/ip ] || { rm /mnt/first/real; printf '#!/bin/sh\\nexec /mnt/bin/ip "$@"\\n' >/mnt/first/real; chmod 755 /mnt/first/real; }`);
    const session = box.open({ vips: VIPS });
    const { request } = await prepare(session, serve(claim("web", VIPS)));
    expect((await session.request(request)).status).toBe("rolled-back");
    await session.end();
    await box.run("rm /mnt/first/ip /mnt/first/real");
    expect(await box.snapshot()).toBe(before);
  });

  it("the last one's folder is gone when the commit is answered", async () => {
    await using box = await Box.create(flavour);
    const web = claim("web", VIPS);
    await carryOut(box.open({ vips: VIPS }), serve(web));
    const session = box.open({ vips: VIPS });
    const { request } = await prepare(session, withdraw(web));
    ok(await session.request(request));
    ok(await session.request(COMMIT_REQUEST));
    const { stdout } = await box.run("ls -A /var/lib");
    expect(stdout).not.toContain("lvs-dr");
    await session.end();
  });
});
