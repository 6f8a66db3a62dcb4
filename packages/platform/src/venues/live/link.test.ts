import type { AddressInfo } from "node:net";
import { createServer } from "node:http";
import { testLog } from "@tapedeck/testkit";
import { WebSocketServer } from "ws";
import { expect, onTestFinished, test } from "vitest";
import { openLink } from "./link.ts";

test.each([
  ["is refused", "refused"],
  ["ends during the overlap", "ended"],
])("a second connection that %s is tried again while the first goes on", async (_words, how) => {
  const server = createServer();
  const sockets = new WebSocketServer({ noServer: true });
  let asked = 0;
  server.on("upgrade", (request, socket, head) => {
    asked += 1;
    const fails = asked === 2 || asked === 3;
    if (fails && how === "refused") return socket.destroy();
    sockets.handleUpgrade(request, socket, head, (client) => {
      client.send(`connection ${asked}`);
      if (fails) setImmediate(() => client.terminate());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const heard = new Set<string>();
  const downs: string[] = [];
  const link = openLink({
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    times: {
      idleMs: 5_000,
      lifeMs: 600_000,
      overlapMs: 100,
      pauseMs: 20,
      maxPauseMs: 100,
      frameGapMs: 1,
    },
    greeting: () => [],
    onMessage: (text) => heard.add(text),
    onLive: () => undefined,
    onDown: (reason) => downs.push(reason),
    random: () => 0.5,
    log: testLog(),
  });
  onTestFinished(() => {
    link.stop();
    server.close();
  });
  await expect.poll(() => heard.has("connection 1")).toBe(true);
  link.renew();
  await expect.poll(() => heard.has("connection 4")).toBe(true);
  // The first has been closed after the overlap.
  await expect.poll(() => [sockets.clients.size, asked]).toEqual([1, 4]);
  expect(downs).toEqual([]);
});
