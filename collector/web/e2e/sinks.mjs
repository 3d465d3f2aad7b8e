// What notifications go to in the browser tests: a receiver of webhooks, and a mail server where one is installed.
import { spawn, spawnSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { createInterface } from "node:readline";

const LIMIT_MS = 10_000;
const PYTHON = ["/usr/bin/python3", "python3"].find((python) => spawnSync(python, ["-c", "import aiosmtpd"]).status === 0);
const MAIL = `
import asyncio, json
from aiosmtpd.smtp import SMTP
class Handler:
    async def handle_DATA(self, server, session, envelope):
        print(json.dumps({"to": envelope.rcpt_tos, "text": envelope.content.decode()}), flush=True)
        return "250 taken"
async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Handler(), hostname="mail.farwatch.example"), "127.0.0.1", 0)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()
asyncio.run(main())
`;

/** What comes, one after the other, to whoever waits for it. */
function mailbox() {
  const come = [];
  const waiting = [];
  return {
    put: (thing) => (waiting.shift() ?? ((one) => come.push(one)))(thing),
    next: () => come.length > 0 ? Promise.resolve(come.shift()) : new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`nothing came within ${LIMIT_MS / 1000} s`)), LIMIT_MS);
      waiting.push((thing) => {
        clearTimeout(late);
        resolve(thing);
      });
    }),
  };
}

/** Answers every request with `answer.status`, and hands it out. */
export async function startHooks() {
  const box = mailbox();
  const answer = { status: 204 };
  const server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    response.writeHead(answer.status).end();
    box.put({ path: request.url, headers: request.headers, body: Buffer.concat(parts).toString() });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  const stop = () => new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  return { port, answer, next: box.next, stop };
}

/** As Standard Webhooks has it: any of the signatures is by this key. */
export function isSignedBy({ headers, body }, secret) {
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const mine = createHmac("sha256", key).update(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`).digest("base64");
  return headers["webhook-signature"].split(" ").includes(`v1,${mine}`);
}

/** Null where no aiosmtpd is installed. */
export async function startMail() {
  if (!PYTHON) return null;
  const server = spawn(PYTHON, ["-c", MAIL], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => server.once("exit", resolve));
  const box = mailbox();
  createInterface({ input: server.stdout }).on("line", (line) => box.put(JSON.parse(line)));
  const stop = async () => {
    server.kill();
    await ended;
  };
  const { port } = await box.next();
  return { port, next: box.next, stop };
}

/** Runs the lines of Python that the page shows on a request that came. */
export function runVerify(lines, { headers, body }, secret) {
  const known = JSON.stringify({ headers, body, secret });
  const program = `import base64, hmac, json, sys, time\nknown = json.load(sys.stdin)\nheaders, secret = known["headers"], known["secret"]
body = known["body"].encode()\n${lines}\nprint(is_ours, is_fresh)`;
  const { stdout, stderr } = spawnSync("python3", ["-c", program], { input: known, encoding: "utf8" });
  return stdout.trim() || stderr;
}
