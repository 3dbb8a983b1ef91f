import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Family } from "../../../src/domain/address";
import { parseAddressLine } from "../../../src/observed/ip-addr";
import {
  leadsTo,
  parseRoutes,
  removalOf,
  sourcelessOf,
  type Route,
} from "../../../src/observed/routes";
import { freeing } from "../../../src/plan/routes";
import { fixtures } from "../fixtures";

interface Case {
  readonly family: Family;
  /** As `ip -o addr show` prints them. */
  readonly addresses: readonly string[];
  readonly lines: readonly string[];
  readonly routes: readonly Route[];
  /** The commands that take each of the routes, or its source, away. */
  readonly commands: readonly string[];
}

const CASES = fixtures<Case>("routes");

describe("routes as `ip route show table all` prints them", () => {
  it.each(CASES)("are read from $name", ({ data }) => {
    const addresses = data.addresses.flatMap((line) => parseAddressLine(line) ?? []);
    const routes = parseRoutes(data.family, data.lines, addresses);
    expect(JSON.parse(JSON.stringify(routes))).toEqual(data.routes);
    expect(
      routes.map((route) =>
        route.source === undefined ? removalOf(route) : (sourcelessOf(route) ?? "none"),
      ),
    ).toEqual(data.commands);
  });

  it("are given back to ip without what it prints of their state alone", () => {
    const lines = [
      "default nhid 8 via 10.0.0.254 dev eth0 linkdown src 203.0.113.10 metric 5 dead",
    ];
    const [route] = parseRoutes(4, lines, []);
    expect(route && sourcelessOf(route)).toBe(
      "ip route replace default via 10.0.0.254 dev eth0 metric 5",
    );
    const [group] = parseRoutes(
      4,
      [
        "192.0.9.0/24 nhid 10 src 203.0.113.10 ",
        "\tnexthop via 10.9.0.1 dev eth0 weight 1 ",
        "\tnexthop via 10.9.0.3 dev eth0 weight 1 ",
      ],
      [],
    );
    expect(group && sourcelessOf(group)).toBe("ip route replace 192.0.9.0/24 nhid 10");
  });

  it("cannot be given back to ip where it does not print how they go on", () => {
    // Routes with two next hops, as busybox prints them.
    const routes = [
      ...parseRoutes(4, ["192.0.2.0/24  src 203.0.113.10 "], []),
      ...parseRoutes(6, ["2001:db8:7::/64  src 2001:db8::10  metric 1024 "], []),
    ];
    expect(routes.map(({ source }) => source)).toEqual(["203.0.113.10", "2001:db8::10"]);
    for (const route of routes) {
      expect(sourcelessOf(route)).toBeUndefined();
      expect(freeing(route, "yourself")).toMatch(/^take its source away where it was made/);
    }
  });

  it("lead to what is in their destination, of their family", () => {
    const [wide, narrow, all6] = [
      ...parseRoutes(4, ["local 198.51.100.0/24 dev lo", "203.0.113.10 dev lo"], []),
      ...parseRoutes(6, ["local default dev lo"], []),
    ];
    const led = (route: Route | undefined) =>
      ["198.51.100.7", "203.0.113.10", "2001:db8::1"].filter((one) => route && leadsTo(route, one));
    expect(led(wide)).toEqual(["198.51.100.7"]);
    expect(led(narrow)).toEqual(["203.0.113.10"]);
    expect(led(all6)).toEqual(["2001:db8::1"]);
  });

  it("are none or some, never a crash, whatever a host says", () => {
    const word = fc.constantFrom("local", "default", "10.0.0.0/8", "::/0", "dev", "lo", "src", "");
    const line = fc.oneof(
      fc.string(),
      fc.array(word).map((words) => words.join(" ")),
    );
    fc.assert(
      fc.property(fc.constantFrom<Family>(4, 6), fc.array(line), (family, lines) => {
        for (const route of parseRoutes(family, lines, []))
          expect(leadsTo(route, family === 4 ? "0.0.0.0" : "::")).toBeTypeOf("boolean");
      }),
    );
  });
});
