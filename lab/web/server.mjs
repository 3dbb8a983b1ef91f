// A real server's web server, on port 80 of every address: says who answers, and which address was
// asked. Some pages take their time, so that a connection is open while something else happens: /slow
// as long as it is told, /held until the request's own body is complete.
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

const [, , name, port] = process.argv;

async function answer(request, response) {
  const { pathname, searchParams } = new URL(request.url, "http://host");
  // Not kept alive: a director schedules connections, so each request is one.
  response.setHeader("connection", "close");
  response.setHeader("x-served-by", name);
  const text = JSON.stringify({ servedBy: name, asked: request.socket.localAddress });
  if (pathname !== "/") response.write(" ");
  if (pathname === "/slow") await sleep(Number(searchParams.get("ms")));
  if (pathname === "/held") for await (const _ of request);
  response.end(`${text}\n`);
}

// One for each family: a socket for both would show IPv4 addresses as mapped ones.
const listening = ["0.0.0.0", "::"].map((host) => {
  // A held request is complete when a test says so, which may be minutes later.
  const options = { requestTimeout: 0 };
  const server = createServer(options, (request, response) => void answer(request, response));
  return new Promise((resolve, reject) => {
    server.on("error", reject);
    server.listen({ host, port: Number(port), ipv6Only: host === "::", backlog: 1024 }, resolve);
  });
});
await Promise.all(listening);
console.log("ready");
process.stdin.on("end", () => process.exit()).resume();
