import { connect, createServer } from "node:net";
import type { Socket } from "node:net";

export interface TcpProxy {
  port: number;
  /** Packets vanish in both directions and connections made meanwhile get no answer; nobody is told. */
  blackHole: () => void;
  /** New connections work again. Those that fell into the hole stay dead, as behind a firewall that forgot them. */
  heal: () => void;
  /** From now on the server's answer to a request that holds `text` is lost, once, and that connection ends. */
  loseAnswerTo: (text: string) => Promise<void>;
  /** From now on, once: a request that holds `text` never reaches the server, and its connection stays silent. */
  swallow: (text: string) => Promise<void>;
  /** Ends all connections, as a restart of a load balancer. */
  reset: () => void;
  close: () => Promise<void>;
}

/** A TCP proxy on 127.0.0.1 that can behave like a bad network. */
export async function tcpProxy(targetPort: number, port = 0): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  const dead = new WeakSet<Socket>();
  let hole = false;
  let lose: { text: string; done: () => void } | undefined;
  let swallow: { text: string; done: () => void } | undefined;

  const server = createServer((client) => {
    const upstream = connect(targetPort, "127.0.0.1");
    let dropping = false;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      if (hole) dead.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        const other = socket === client ? upstream : client;
        if (!dead.has(socket)) other.destroy();
      });
    }
    client.on("data", (data) => {
      if (dead.has(client)) return;
      if (swallow !== undefined && data.includes(swallow.text)) {
        for (const socket of [client, upstream]) dead.add(socket);
        swallow.done();
        swallow = undefined;
        return;
      }
      if (lose !== undefined && data.includes(lose.text)) {
        dropping = true;
        const { done } = lose;
        lose = undefined;
        // The request reaches the server; its answer does not come back.
        upstream.once("data", () => {
          client.destroy();
          done();
        });
      }
      upstream.write(data);
    });
    upstream.on("data", (data) => {
      if (!dead.has(upstream) && !dropping) client.write(data);
    });
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    port: (server.address() as { port: number }).port,
    blackHole() {
      hole = true;
      for (const socket of sockets) dead.add(socket);
    },
    heal() {
      hole = false;
    },
    swallow: (text) => new Promise((resolve) => (swallow = { text, done: resolve })),
    loseAnswerTo: (text) => new Promise((resolve) => (lose = { text, done: resolve })),
    reset() {
      for (const socket of sockets) socket.destroy();
    },
    async close() {
      const ended = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await ended;
    },
  };
}
