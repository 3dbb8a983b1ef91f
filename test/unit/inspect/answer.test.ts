import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { listensAt, parseLookAnswer } from "../../../src/inspect/answer";
import { visible } from "../../../src/domain/terminal";
import { inspectionJson } from "../../../src/inspect/text";
import type { Inspection } from "../../../src/inspect/types";
import { UnreadableAnswer } from "../../../src/protocol/answer";
import { fixtures } from "../fixtures";

/** One run of an nslookup: what it prints, and the addresses that the name has. */
interface Lookup {
  readonly name: string;
  readonly prints: readonly string[];
  readonly addresses: readonly string[];
}

const listeners = (...lines: string[]) => parseLookAnswer(lines.join("\n")).listeners;
const addresses = (...lines: string[]) => parseLookAnswer(lines.join("\n")).names[0]?.addresses;

describe("listeners", () => {
  it("are read as ss prints them, of any age", () => {
    expect(
      listeners(
        "ss State    Recv-Q   Send-Q     Local Address:Port     Peer Address:Port  Process",
        "ss LISTEN   0        128              0.0.0.0:22            0.0.0.0:*",
        "ss LISTEN   0        4096       127.0.0.53%lo:53            0.0.0.0:*",
        "ss LISTEN   0        511                    *:80                  *:*",
        "ss LISTEN   0        128                 [::]:22               [::]:*",
        "ss LISTEN   0        128                   :::2222               :::*",
        "ss LISTEN   0        10     [2001:db8::10]:8443             [::]:*",
        "ss LISTEN   0        10  [::ffff:192.0.2.1]:81                 *:*",
        "ss LISTEN   0        10          0.0.0.0%eth0:67            0.0.0.0:*",
        "ss ESTAB    0        0             192.0.2.1:22         192.0.2.9:5000",
      ),
    ).toEqual([
      { address: "0.0.0.0", port: 22 },
      { address: "127.0.0.53", port: 53 },
      { address: "*", port: 80 },
      { address: "::", port: 22 },
      { address: "::", port: 2222 },
      { address: "2001:db8::10", port: 8443 },
      { address: "192.0.2.1", port: 81 },
    ]);
  });

  it("are read as the kernel prints them", () => {
    expect(
      listeners(
        "tcp 00000000:0016",
        "tcp 0A7100CB:1F90",
        "tcp6 00000000000000000000000000000000:0050",
        "tcp6 B80D0120000000000000000010000000:01BB",
        "tcp6 0000000000000000FFFF0000010200C0:0051",
      ),
    ).toEqual([
      { address: "0.0.0.0", port: 22 },
      { address: "203.0.113.10", port: 8080 },
      { address: "*", port: 80 },
      { address: "2001:db8::10", port: 443 },
      { address: "192.0.2.1", port: 81 },
    ]);
  });

  it("on all addresses of a family are reached by that family alone", () => {
    expect(listensAt({ address: "0.0.0.0", port: 1 }, "203.0.113.10")).toBe(true);
    expect(listensAt({ address: "0.0.0.0", port: 1 }, "2001:db8::1")).toBe(false);
    expect(listensAt({ address: "*", port: 1 }, "2001:db8::1")).toBe(true);
    expect(listensAt({ address: "203.0.113.1", port: 1 }, "203.0.113.10")).toBe(false);
  });
});

describe("names", () => {
  it("come from getent, each address once", () => {
    expect(
      addresses(
        "name web",
        "getent 2001:DB8::10    STREAM web.example",
        "getent 2001:db8::10    DGRAM  ",
        "getent 203.0.113.10    STREAM ",
        "getent ::ffff:192.0.2.1 STREAM ",
      ),
    ).toEqual(["2001:db8::10", "203.0.113.10", "192.0.2.1"]);
  });

  it("come from nslookup, of bind and of busybox old and new, without the server's own address", () => {
    const server = [
      "nslookup Server:\t\t10.0.0.53",
      "nslookup Address:\t10.0.0.53#53",
      "nslookup ",
    ];
    const bind = ["nslookup Name:\tweb", "nslookup Address: 203.0.113.10"];
    const old = ["nslookup Name:      web", "nslookup Address 1: 203.0.113.10 web.example"];
    expect(addresses("name web", ...server, ...bind)).toEqual(["203.0.113.10"]);
    expect(addresses("name web", ...server, ...old)).toEqual(["203.0.113.10"]);
    expect(addresses("name web", ...server, "nslookup ** server can't find web")).toEqual([]);
  });

  describe.each(fixtures<Lookup[]>("nslookup"))("come from nslookup of $name", ({ data }) => {
    it.each(data)("$name: $addresses", ({ name, prints, addresses: wanted }) => {
      const printed = prints.map((line) => `nslookup ${line}`);
      expect(addresses(`name ${name}`, ...printed)).toEqual(wanted);
    });

    it.each(data)("$name, cut at any line: never the server's own address", ({ name, prints }) => {
      for (let kept = 0; kept <= prints.length; kept += 1) {
        const printed = prints.slice(0, kept).map((line) => `nslookup ${line}`);
        expect(addresses(`name ${name}`, ...printed)).not.toContain("10.0.0.53");
      }
    });
  });

  it("come from /etc/hosts before nslookup, in any case, and not out of a comment", () => {
    expect(
      addresses(
        "name Web.Example",
        "hosts 192.0.2.1 xweb.example # web.example",
        "hosts 192.0.2.2 other WEB.example",
        "nslookup Name: web.example",
        "nslookup Address: 192.0.2.3",
      ),
    ).toEqual(["192.0.2.2"]);
  });

  it("that lead nowhere say why", () => {
    const [no, none] = parseLookAnswer("name a\nname b\nno-resolver").names;
    expect(no?.problem).toBe("the host cannot resolve it");
    expect(none?.problem).toContain("neither getent nor nslookup");
  });
});

describe("an answer of any kind", () => {
  const word = fc.constantFrom(
    ..."under-way journal journal-unknown ss tcp tcp6 name getent hosts nslookup no-resolver x".split(
      " ",
    ),
  );
  const text = fc.string({ unit: "binary" });

  it("is read or refused", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(word, text)), (lines) => {
        try {
          parseLookAnswer(lines.map((line) => line.join(" ")).join("\n"));
        } catch (error) {
          if (!(error instanceof UnreadableAnswer)) throw error;
        }
      }),
    );
  });

  it("is nothing that a terminal obeys once it is visible, and is not lost in JSON", () => {
    fc.assert(
      fc.property(text, (host) => {
        expect(visible(host)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]/u);
        const json = inspectionJson({ host } as Inspection);
        expect(json).toMatch(/^[\n -~]*$/);
        expect(JSON.parse(json)).toEqual({ host });
      }),
    );
  });
});
