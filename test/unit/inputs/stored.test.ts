import { describe, expect, it } from "vitest";
import { RealServerError } from "../../../src/domain/errors";
import { parseSettings } from "../../../src/inputs/real-server";

const least = { connection: { host: "10.0.0.11" }, vips: ["203.0.113.10"], owner: "o" };

describe("settings read from a state", () => {
  it("have every default where the state says nothing", () => {
    expect(parseSettings(least)).toEqual({
      connection: {
        ...{ host: "10.0.0.11", port: 22, user: "root", sudo: false },
        ...{ knownHostsFile: "~/.ssh/known_hosts", dialErrorLimit: -1, perDialTimeout: 15 },
      },
      vips: [{ family: 4, address: "203.0.113.10" }],
      arp: { ignore: 1, announce: 2, interfaces: "all", except: [] },
      persist: true,
      staleVips: "report",
      sysctlsOnDestroy: "restore",
      unreachableOnDestroy: "fail",
      unreachableOnRefresh: "fail",
      timeouts: { connectSeconds: 60, operationSeconds: 120 },
      owner: "o",
    });
  });

  it("become root with sudo for any user but root, or where a password for it is given", () => {
    const sudo = (fields: object) => {
      return parseSettings({ ...least, connection: { host: "h", ...fields } }).connection.sudo;
    };
    expect(sudo({})).toBe(false);
    expect(sudo({ user: "root" })).toBe(false);
    expect(sudo({ user: "deploy" })).toBe(true);
    expect(sudo({ user: "deploy", sudo: false })).toBe(false);
    expect(sudo({ sudoPassword: "q" })).toBe(true);
  });

  it("have the bastion's defaults too", () => {
    const connection = { host: "h", proxy: { host: "b", password: "p" } };
    expect(parseSettings({ ...least, connection }).connection).toMatchObject({
      proxy: { host: "b", port: 22, user: "root", password: "p", dialErrorLimit: -1 },
    });
  });

  it("have what ssh_config decides left out where the user's own ssh connects", () => {
    const settled = { host: "h", dialErrorLimit: -1, ssh: { command: "ssh" } };
    for (const ssh of [true, {}])
      expect(parseSettings({ ...least, connection: { host: "h", ssh } }).connection).toEqual(
        settled,
      );
    const without = { host: "h", ssh: false, password: "p" };
    expect(parseSettings({ ...least, connection: without }).connection).toMatchObject({
      ...{ port: 22, user: "root", sudo: false, perDialTimeout: 15 },
    });
  });

  it("can be without VIPs, as after a read of a host that lost them all", () => {
    expect(parseSettings({ ...least, vips: [] }).vips).toEqual([]);
  });

  it("leave out what is no input: outputs, and what a later version adds", () => {
    const outputs = { bindings: [], drift: ["x"], format: 1, __provider: "x", later: { a: 1 } };
    expect(parseSettings({ ...least, ...outputs })).toEqual(parseSettings(least));
  });

  it("are refused when they cannot be read, with where and why and no secret", () => {
    const connection = { password: ["hunter2"] };
    const read = () => parseSettings({ connection, vips: ["x"], owner: "o" });
    expect(read).toThrow(RealServerError);
    expect(read).toThrow(/connection\.host: .*vips\[0\]: "x" is not an IPv4/);
    expect(read).not.toThrow(/hunter2/);
    expect(read).toThrow(expect.objectContaining({ kind: "refused" }) as Error);
  });
});
