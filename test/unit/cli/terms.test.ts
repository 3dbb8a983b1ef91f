import { describe, expect, it } from "vitest";
import { COMMAND_TERMS, commandComplaint } from "../../../src/cli/terms";
import { connectionField } from "../../../src/inputs/connection";
import { readPrivateKey } from "../../../src/transport/keys";
import { placesIn } from "../inputs/every-input";
import { fixtures } from "../fixtures";

const places = placesIn(connectionField.fields);
const INPUTS = places.map(({ place }) => place.at(-1) ?? "").filter((name) => /[A-Z]/.test(name));

describe("the terms of the command", () => {
  it.each(fixtures<{ text: string }>("keys"))(
    "are those of what is wrong with a key: $name",
    (one) => {
      for (const passphrase of [undefined, "not this one"]) {
        const { problem = "" } = readPrivateKey(
          one.data.text,
          passphrase,
          COMMAND_TERMS.host.short,
        );
        expect(INPUTS.filter((name) => problem.includes(name))).toEqual([]);
      }
    },
  );

  it("are those of what is wrong with any part of a connection", () => {
    for (const { place } of [{ place: [] }, ...places]) {
      const complaint = commandComplaint(["connection", ...place].join("."));
      expect(complaint).not.toBe("");
      expect(INPUTS.filter((name) => complaint.includes(name))).toEqual([]);
      expect(complaint).not.toContain("connection");
    }
  });
});
