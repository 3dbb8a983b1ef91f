import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VirtualService } from "../../src/index";
import type { LabHost } from "../../lab/host";
import { dial } from "../../src/transport/ssh2/dial";
import { connectionTo, options } from "../contract/ssh-connection";
import { said, Stage, VIP } from "./stage";

const SERVICES = 40;
/** What sshd writes where it turns away whom it would have to let wait for a login (MaxStartups). */
const TURNED_AWAY = /drop connection/;

describe("forty services of one director whose sshd is as it came", () => {
  let stage: Stage;
  let host: LabHost;

  beforeAll(async () => {
    stage = await Stage.create();
    // It is asked, and says what it lacks: what is looked at is who was let in to ask.
    host = await stage.host("lb", { withoutTools: ["ipvsadm"] });
    await host.editSshd("/^MaxStartups /d");
  });
  afterAll(() => stage.destroy());

  /** What sshd writes while something is done. */
  const log = async (work: () => Promise<unknown>) => {
    await host.stopSsh();
    await host.run(
      "rm -f /run/sshd.log; /usr/sbin/sshd -f /etc/ssh/lab_sshd_config -E /run/sshd.log",
    );
    await work();
    return (await host.run("cat /run/sshd.log")).stdout;
  };

  it("are all let in, because few log in at a time", async () => {
    const engine = await stage.engine();
    let text = "";
    const written = await log(async () => {
      const outcome = await engine.up(
        () => {
          for (let port = 1; port <= SERVICES; port += 1)
            new VirtualService(`shop-${port}`, {
              director: { ...stage.connection(host), dialErrorLimit: 0 },
              ...{ vip: VIP, port, destinations: [] },
            });
          return Promise.resolve();
        },
        { parallel: SERVICES, continueOnError: true },
      );
      const lacking = said(outcome, "error").filter((error) => error.includes("lacks ipvsadm"));
      expect(lacking, outcome.text).toHaveLength(SERVICES);
      text = outcome.text;
    });
    expect(written).not.toMatch(TURNED_AWAY);
    expect(text).not.toContain("cannot be reached");
  });

  it("would not be, if they all logged in at once", async () => {
    const once = connectionTo(stage.lab, host, { dialErrorLimit: 0 });
    const written = await log(async () => {
      const dials = Array.from({ length: SERVICES }, () => dial(once, options()));
      const ends = await Promise.allSettled(dials);
      for (const end of ends) if (end.status === "fulfilled") end.value.close();
    });
    expect(written).toMatch(TURNED_AWAY);
  });
});
