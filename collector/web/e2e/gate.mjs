// A way to the collector that can be cut and opened again, at an address that stays.
import { connect, createServer } from "node:net";

/** Leads to the collector at `url` until it is cut. */
export async function gateTo(url) {
  const { hostname, port } = new URL(url);
  const open = new Set();
  const pass = (socket) => {
    const onward = connect(Number(port), hostname);
    for (const [from, to] of [[socket, onward], [onward, socket]]) {
      open.add(from);
      from.pipe(to);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        open.delete(from);
        to.destroy();
      });
    }
  };
  let server = null;
  const listen = (at) => new Promise((resolve, reject) => {
    server = createServer(pass).once("error", reject).listen(at, "127.0.0.1", () => resolve(server.address().port));
  });
  const own = await listen(0);
  const cut = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of open) socket.destroy();
    await closed;
  };
  return { url: `http://127.0.0.1:${own}`, cut, mend: () => listen(own), stop: () => (server.listening ? cut() : undefined) };
}
