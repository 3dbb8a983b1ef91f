import { startCapture } from "./capture";
import { command } from "./command";

/** Asks the wire by ARP, for a second, who has an IPv4 address. @returns sorted MACs. */
export async function askByArp(wire: string, address: string): Promise<string[]> {
  const ask = ["arping", "-b", "-w", "1", "-I", "br0", address];
  const { stdout, stderr } = await command("ip", ["netns", "exec", wire, ...ask], ANY_STATUS);
  // No answer is a status of 1 too, so only its report tells it from a failure.
  if (!stdout.includes("Received ")) throw new Error(`arping ${address}: ${stderr.trim()}`);
  return distinct([...stdout.matchAll(/\[([0-9A-F:]{17})\]/gi)].map(([, mac = ""]) => mac));
}

/** Asks the wire by neighbour solicitation who has an IPv6 address. @returns sorted MACs. */
export async function askByNdp(wire: string, address: string): Promise<string[]> {
  const route = ["-netns", wire, "-6", "route"];
  await command("ip", [...route, "replace", `${address}/128`, "dev", "br0"]);
  // Whom the wire knows it does not ask for.
  await command("ip", ["-netns", wire, "-6", "neigh", "flush", "to", address, "dev", "br0"]);
  const capture = await startCapture(wire, "icmp6 and ip6[40] == 136");
  // Nothing at hand sends a solicitation as arping sends a request, but any connection does.
  const connect = ["timeout", "1", "bash", "-c", `: >/dev/tcp/${address}/9`];
  await command("ip", ["netns", "exec", wire, ...connect], ANY_STATUS);
  const frames = (await capture.stop()).split("\n");
  await command("ip", [...route, "delete", `${address}/128`, "dev", "br0"]);
  const answers = frames.filter((frame) => frame.includes(`tgt is ${address},`));
  return distinct(answers.map((frame) => frame.split(" ")[1] ?? ""));
}

const ANY_STATUS = { allowFailure: true };

function distinct(macs: readonly string[]): string[] {
  return [...new Set(macs.map((mac) => mac.toLowerCase()))].sort();
}
