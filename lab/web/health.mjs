// A service with pages for a health check: each says what it makes of the request by its status alone.
// Over TLS with a certificate that nobody has signed, where it is told so; what it shows is its name.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [, , address, port, tls] = process.argv;
const SITE = "shop.example";

const PAGES = {
  "/healthz": () => 200,
  "/starting": () => 503,
  "/moved": (_, response) => {
    response.setHeader("location", `https://${SITE}/healthz`);
    return 301;
  },
  "/host": ({ headers }) => (headers.host === SITE ? 200 : 421),
  "/name": ({ socket }) => (socket.servername === SITE ? 200 : 421),
};

function answer(request, response) {
  const page = PAGES[new URL(request.url, "http://host").pathname];
  // Any other page is never answered.
  if (page === undefined) return;
  response.statusCode = page(request, response);
  response.end();
}

function certificate() {
  const folder = mkdtempSync(join(tmpdir(), "health-"));
  const file = join(folder, "key");
  const made = ["req", "-x509", "-nodes", "-subj", `/CN=${SITE}`, "-keyout", file];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  try {
    const cert = execFileSync("openssl", [...made, ...kind], { stdio: "pipe" });
    return { key: readFileSync(file), cert };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const server = tls === "tls" ? createTlsServer(certificate(), answer) : createServer(answer);
server.listen({ host: address, port: Number(port) }, () => console.log("ready"));
process.stdin.on("end", () => process.exit()).resume();
