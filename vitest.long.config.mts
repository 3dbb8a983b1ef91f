// npm run test:long: what takes minutes, and is no part of npm test.
import { defineConfig } from "vitest/config";
import { withGuests } from "./vitest.config.mjs";

const minutes = { testTimeout: 900_000, hookTimeout: 300_000, fileParallelism: false };

export default defineConfig({
  test: { ...withGuests, ...minutes, include: ["test/**/*.long.ts"] },
});
