import { describe, expect, it } from "vitest";
import { KEEPALIVED_WORDS, parseKeepalived } from "../../../src/observed/keepalived";
import { Lines } from "../../../src/observed/lines";

describe("keepalived's own word of its version", () => {
  it.each([
    { said: "Keepalived v1.2.13 (05/28,2014)", version: "1.2.13" },
    { said: "Keepalived v2.0.20 (01/22,2020)", version: "2.0.20" },
    { said: "Keepalived v2.1.5 (07/13,2020)", version: "2.1.5" },
    { said: "Keepalived v2.2.7 (01/16,2022)", version: "2.2.7" },
    { said: "Keepalived v2.2.8 (04/04,2023), git commit v2.2.7-154-g292b299e+", version: "2.2.8" },
    { said: "Keepalived v2.3.3 (03/30,2025)", version: "2.3.3" },
    { said: "Unable to read build config options file", version: undefined },
  ])("$said is $version", ({ said, version }) => {
    const body = ["lvs-dr-observation 1", `keepalived-version ${said}`, "end"].join("\n");
    const lines = new Lines(body, new Set(KEEPALIVED_WORDS.split(" ")));
    expect(parseKeepalived(lines).version).toBe(version);
  });
});
