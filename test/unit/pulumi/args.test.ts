import { readFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { connectionField } from "../../../src/inputs/connection";
import type { Fields } from "../../../src/inputs/field";
import { proxyFields } from "../../../src/inputs/hop";
import { realServerInputs } from "../../../src/inputs/real-server";
import { virtualServiceInputs } from "../../../src/inputs/virtual-service";
import { defaultOf, placesIn } from "../inputs/every-input";

const SRC = path.resolve(__dirname, "../../../src");
const { arp, drain, ready, timeouts } = realServerInputs;

// That their names and types agree with the table is for the type checker to say: args.test-d.ts.
describe.each<{ file: string; interfaces: Record<string, Fields> }>([
  {
    file: "pulumi/args.ts",
    interfaces: {
      RealServerArgs: realServerInputs,
      ConnectionArgs: connectionField.fields,
      ProxyConnectionArgs: proxyFields,
      SshArgs: connectionField.fields.ssh.fields,
      ...{ ArpArgs: arp.fields, DrainArgs: drain.fields, TimeoutsArgs: timeouts.fields },
    },
  },
  {
    file: "pulumi/ready-args.ts",
    interfaces: { ReadyArgs: ready.fields, ReadyHttpArgs: ready.fields.http.fields },
  },
  {
    file: "pulumi/service-args.ts",
    interfaces: {
      VirtualServiceArgs: virtualServiceInputs,
      PersistenceArgs: virtualServiceInputs.persistence.fields,
      DestinationArgs: virtualServiceInputs.destinations.fields,
      ServiceDrainArgs: virtualServiceInputs.drain.fields,
    },
  },
  {
    file: "inspect/types.ts",
    interfaces: {
      InspectConnection: connectionField.fields,
      InspectProxy: proxyFields,
      InspectSsh: connectionField.fields.ssh.fields,
    },
  },
])("the documentation in $file", ({ file, interfaces }) => {
  const documented = fieldsOf(path.resolve(SRC, file));

  it.each(Object.entries(interfaces))("of %s names the table's defaults", (name, fields) => {
    const own = documented.filter((field) => field.interface === name);
    expect(own).not.toEqual([]);
    for (const { name, text } of own) {
      const wanted = defaultOf(fields[name]!);
      const named = /Default: (.*)/.exec(text)?.[1];
      if (wanted === undefined || wanted.startsWith("required")) {
        expect(named, name).toBeUndefined();
        // The type says "required" alone, but not when.
        const [, when] = /^required(.+)/.exec(wanted ?? "") ?? [];
        expect(text, name).toContain(when === undefined ? "" : `Required${when}.`);
      } else
        expect([`${wanted}.`, `${wanted},`], name).toContain(named?.slice(0, wanted.length + 1));
    }
  });
});

describe("the documentation in pulumi/args.ts", () => {
  it("says of the connection's fields which are kept as secrets", () => {
    const documented = fieldsOf(path.resolve(SRC, "pulumi/args.ts"));
    const secret = documented.filter(({ text }) => text.includes("Kept as a secret."));
    const wanted = placesIn(realServerInputs).filter(({ field }) => field.secret);
    const names = new Set(wanted.map(({ place }) => place.at(-1)));
    expect(new Set(secret.map(({ name }) => name))).toEqual(names);
  });
});

/** The fields of a file's interfaces, with their documentation in one line. */
function fieldsOf(file: string): { interface: string; name: string; text: string }[] {
  const text = readFileSync(file, "utf8");
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  return source.statements.filter(ts.isInterfaceDeclaration).flatMap((declaration) =>
    declaration.members.map((member) => {
      const comments = ts.getJSDocCommentsAndTags(member).filter(ts.isJSDoc);
      const lines = comments.map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? "");
      const name = member.name?.getText() ?? "";
      return { interface: declaration.name.text, name, text: lines.join(" ").replace(/\s+/g, " ") };
    }),
  );
}
