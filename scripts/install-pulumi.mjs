// Pulumi's own installer: node scripts/install-pulumi.mjs FOLDER puts the release that belongs to
// the installed SDK in FOLDER/bin. Ends with 1, within seconds, where no release can be reached.
import automation from "@pulumi/pulumi/automation/index.js";

try {
  await fetch("https://get.pulumi.com/install.sh", { signal: AbortSignal.timeout(10_000) });
  await automation.PulumiCommand.install({ root: process.argv[2] });
} catch (error) {
  console.error(`set-up: Pulumi's installer: ${error.cause?.message ?? error.message}`);
  process.exitCode = 1;
}
