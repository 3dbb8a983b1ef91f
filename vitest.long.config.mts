// npm run test:long: what takes minutes, and is no part of npm test.
import { defineConfig } from "vitest/config";
import { withGuests } from "./vitest.config.mjs";

export default defineConfig({ test: { ...withGuests, include: ["test/**/*.long.ts"] } });
