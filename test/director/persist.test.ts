import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { Lab } from "../../lab/lab";
import { StagedDirector, type Declared } from "./stage";

const UNIT = "pulumi-lvs-dr-director";
const persist = true;
const shop: Declared = {
  ...{ owner: "shop", vip: "203.0.113.10", scheduler: "wlc", persist },
  destinations: { "10.0.0.11": 10, "10.0.0.12": 0 },
};
const six: Declared = {
  ...{ owner: "six", vip: "2001:db8::10", port: 443, persist },
  destinations: { "fd00::11": 3 },
};
const plain: Declared = { owner: "plain", vip: "2001:db8::20", destinations: { "fd00::11": 1 } };
/** What the administrator has the distribution put into the table. */
const FOREIGN = ["-A -t 192.0.2.99:99 -s rr", "-a -t 192.0.2.99:99 -r 192.0.2.1:99 -m -w 3"];

let lab: Lab;
let director: StagedDirector;
beforeAll(async () => {
  lab = await Lab.create();
  director = new StagedDirector(lab, await lab.guest("lb"));
});
afterAll(() => lab.destroy());

const isOf = (declared: Declared) => (line: string) =>
  line.includes(declared.vip.includes(":") ? `[${declared.vip}]:` : `${declared.vip}:`);

async function rebooted(): Promise<string[]> {
  await director.guest.reboot();
  expect(await director.guest.waitForBoot()).toBe("running");
  return director.table();
}

describe("a director that is rebooted", () => {
  it("has the services that persist, and shows which others are gone", async () => {
    const destinations = { ...shop.destinations, "10.0.0.14": 1 };
    await director.serve({ ...shop, destinations, persist: false });
    const drain = { timeoutSeconds: 15, onTimeout: "fail" } as const;
    await director.serve({ ...shop, former: Object.keys(destinations) }, drain);
    for (const one of [six, plain]) await director.serve(one);
    const before = await director.table();
    await director.guest.run(`printf -- '${FOREIGN.join("\\n")}\\n' | ipvsadm -R`);
    expect(await rebooted()).toEqual(before.filter((line) => !isOf(plain)(line)));
    expect(await director.inspect(shop)).toMatchObject({ record: "ours", drift: [] });
    expect(await director.inspect(plain)).toMatchObject({
      ...{ record: "ours", drift: ["[2001:db8::20]:80: not in the table"] },
    });
    expect((await director.serve(plain)).drift).toEqual([]);
  });

  it("has them as declared beside what the distribution's unit puts into the table", async () => {
    await director.useShell("busybox");
    const declared = (await director.table()).filter((line) => !isOf(plain)(line));
    const [first = ""] = declared.filter(isOf(shop));
    // Saved when the service had another weight and another destination.
    const stale = first.replace("-A", "-a").replace(/ -s .*/, " -r 10.0.0.13:80 -g -w 7");
    const old = declared.map((line) => line.replace("-w 10", "-w 4").replace("-s wlc", "-s rr"));
    await director.guest.run("cat >/etc/ipvsadm.rules", {
      input: [...FOREIGN, ...old.filter(isOf(shop)), stale, ""].join("\n"),
    });
    await director.guest.run(`sed -i 's/^AUTO=.*/AUTO="true"/' /etc/default/ipvsadm; sync`);
    await director.withdraw(six);
    const wanted = [...FOREIGN, ...declared.filter((line) => !isOf(six)(line)), stale].sort();
    expect((await rebooted()).sort()).toEqual(wanted);
    expect(await director.inspect(shop)).toMatchObject({ drift: [], foreign: ["10.0.0.13:80"] });
    // systemctl waits for the unit that it names, and ours comes after that one.
    await director.guest.run("systemctl restart ipvsadm");
    const table = async () => (await director.table()).sort();
    await expect.poll(table, { timeout: 20_000, interval: 500 }).toEqual(wanted);
  });

  it("shows why a service could not be put back, until an operation has done it", async () => {
    await director.guest.run("mv /sbin/ipvsadm /sbin/away");
    const { status } = await director.guest.run(`systemctl restart ${UNIT}`, {
      allowFailure: true,
    });
    await director.guest.run("mv /sbin/away /sbin/ipvsadm; ipvsadm -C");
    expect(status).not.toBe(0);
    const { drift } = await director.inspect(shop);
    expect(drift).toEqual([
      "203.0.113.10:80: not in the table",
      expect.stringMatching(/^boot: the replay failed: the IPVS table cannot be read: .*not found/),
    ]);
    const { inspection } = await director.look();
    expect(inspection.ok).toBe(false);
    expect(inspection.director?.boot).toEqual({
      ...{ init: "systemd", enabled: true },
      problems: [expect.stringContaining("services were not put back at boot: the IPVS table")],
    });
    expect((await director.serve(shop)).drift).toEqual([]);
  });

  it("leaves weights alone that are held while an operation drains", async () => {
    const lock = "/run/lvs-dr-director/0/lock";
    const held = "ipvsadm -e -t 203.0.113.10:80 -r 10.0.0.11:80 -g -w 0";
    await director.guest.run(
      `mkdir -p -m 700 ${lock.replace(/\/lock$/, "")}; ${held}; ipvsadm -d -t 203.0.113.10:80 -r 10.0.0.12:80
      flock ${lock} systemctl restart ${UNIT}; rm -r /run/lvs-dr-director`,
    );
    expect(await director.weights(shop)).toEqual({ "10.0.0.11": 0, "10.0.0.12": 0 });
    await director.guest.run(`systemctl restart ${UNIT}`);
    expect(await director.weights(shop)).toEqual({ "10.0.0.11": 10, "10.0.0.12": 0 });
  });

  it("is left with nothing of ours", async () => {
    await director.withdraw(plain);
    await director.serve(six);
    // Each waits for its drain without the lock, and the last one takes the boot's files along.
    const drain = { timeoutSeconds: 15, onTimeout: "fail" } as const;
    await Promise.all([shop, six].map((one) => director.withdraw(one, drain)));
    expect(await director.traces()).toBe("");
    expect((await director.table()).filter((line) => !FOREIGN.includes(line))).toEqual([]);
  });
});
