// The last step of `npm run build`: what runs on hosts is shell, and goes along as it is.
import { cpSync, statSync } from "node:fs";

cpSync("src/host", "dist/host", {
  recursive: true,
  filter: (path) => path.endsWith(".sh") || statSync(path).isDirectory(),
});
