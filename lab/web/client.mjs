// A client's process: requests pages as it is told on stdin, a line of JSON each, and answers each
// by "answer JSON". A stream of requests runs beside, at a steady rate.
import { Agent, request as begin } from "node:http";
import { createInterface } from "node:readline";

/** Requests that a test holds open. */
const open = [];
let stream;

/**
 * Each request is a connection of its own, which is what a director schedules. `head` is kept when
 * the answer has begun, `body` when it is complete. One that is held is not before `release`.
 */
function request(url, milliseconds, isHeld = false) {
  const agent = new Agent({ keepAlive: false });
  const sent = begin(url, { agent, timeout: milliseconds, method: isHeld ? "POST" : "GET" });
  if (isHeld) sent.flushHeaders();
  else sent.end();
  const ended = new Promise((_, reject) => {
    sent.on("error", reject);
    sent.on("timeout", () => {
      const { connecting, localPort } = sent.socket;
      const stage = connecting ? `no connection from port ${localPort}` : "no answer";
      sent.destroy(new Error(`${stage} in ${milliseconds} ms`));
    });
  });
  const responded = new Promise((resolve) => sent.on("response", resolve));
  // Held ones have time between the answer's two ends.
  if (isHeld) void responded.then(() => sent.setTimeout(0));
  const release = () => isHeld && sent.setTimeout(milliseconds).end();
  const head = Promise.race([responded, ended]);
  const body = Promise.race([head.then(bodyOf), ended]);
  // Who waits for the one does not always wait for the other.
  for (const promise of [head, body]) promise.catch(() => undefined);
  return { head, body, release };
}

async function bodyOf(response) {
  let text = "";
  for await (const piece of response.setEncoding("utf8")) text += piece;
  if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`);
  return JSON.parse(text);
}

function startStream({ urls, perSecond, milliseconds }) {
  const result = { sent: 0, answered: {}, failures: [], slowestMilliseconds: 0 };
  const underWay = new Set();
  const from = performance.now();
  const send = async () => {
    const url = urls[result.sent++ % urls.length];
    const started = performance.now();
    try {
      const { servedBy } = await request(url, milliseconds).body;
      result.answered[servedBy] = (result.answered[servedBy] ?? 0) + 1;
    } catch (error) {
      const after = Math.round(started - from);
      result.failures.push(`${url}, sent after ${after} ms: ${error.message}`);
    }
    const took = Math.round(performance.now() - started);
    result.slowestMilliseconds = Math.max(result.slowestMilliseconds, took);
  };
  const timer = setInterval(() => {
    // As many as are due: a timer that comes late must not lower the rate.
    const due = Math.floor(((performance.now() - from) * perSecond) / 1000);
    while (result.sent < due) {
      const sending = send().finally(() => underWay.delete(sending));
      underWay.add(sending);
    }
  }, 1000 / perSecond);
  const finish = async () => {
    clearInterval(timer);
    await Promise.all(underWay);
    return result;
  };
  return { result, finish };
}

const verbs = {
  request: ({ url, milliseconds }) => request(url, milliseconds).body,
  open: async ({ urls, milliseconds, isHeld }) => {
    const opened = urls.map((url) => request(url, milliseconds, isHeld));
    open.push(...opened);
    const heads = await Promise.all(opened.map(({ head }) => head));
    return heads.map(({ headers }) => headers["x-served-by"]);
  },
  finish: () => {
    for (const { release } of open) release();
    return Promise.all(open.splice(0).map(({ body }) => body));
  },
  start: (options) => {
    stream = startStream(options);
    return {};
  },
  soFar: () => stream.result,
  stop: () => stream.finish(),
};

async function serve(line) {
  const { verb, ...options } = JSON.parse(line);
  try {
    console.log(`answer ${JSON.stringify({ result: await verbs[verb](options) })}`);
  } catch (error) {
    console.log(`answer ${JSON.stringify({ error: error.message })}`);
  }
}

createInterface({ input: process.stdin })
  .on("line", (line) => void serve(line))
  .on("close", () => process.exit());
console.log("ready");
