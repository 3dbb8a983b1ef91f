import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** Pure tests take milliseconds, but properties some seconds where a machine has much else to do. */
const pure = { testTimeout: 60_000 };
/** All others make lab hosts or run the engine. */
const withHosts = { testTimeout: 120_000, hookTimeout: 120_000 };
/** The engine loads the package as a program does: from dist/. So do the examples. */
const built = fileURLToPath(new URL("dist/index.js", import.meta.url));
const withPackage = {
  globalSetup: "./lab/build.ts",
  alias: [{ find: /^pulumi-lvs-dr$/, replacement: built }],
};
/** Guests as directors, too. */
export const withGuests = {
  ...{ ...withHosts, ...withPackage },
  globalSetup: [withPackage.globalSetup, "./lab/guest-image.ts"],
};

export default defineConfig({
  test: {
    // Engines, hosts and guests are processes beside vitest's own, which wait for each other a third of
    // the time: three files at a time fill two cores.
    maxWorkers: 3,
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"], ...pure } },
      { test: { name: "docs", include: ["test/docs/**/*.test.mts"], ...pure } },
      ...["host", "contract"].map((name) => ({
        test: { name, include: [`test/${name}/**/*.test.ts`], ...withHosts },
      })),
      ...["director", "boot"].map((name) => ({
        test: { name, include: [`test/${name}/**/*.test.ts`], ...withGuests },
      })),
      ...["provider", "faults", "compat"].map((name) => ({
        test: { name, include: [`test/${name}/**/*.test.ts`], ...withHosts, ...withPackage },
      })),
    ],
  },
});
