import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { testLog } from "@tapedeck/testkit";
import { afterEach, expect, test } from "vitest";
import WebSocket, { WebSocketServer } from "ws";
import { createLiveEvents } from "./streamEvents.ts";
import { isStreamHandshake, proxyStream } from "./streamProxy.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function listening(server: ReturnType<typeof createServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A server that is upgraded only at /ws, as the API is, over a stream on that port. */
async function proxied(streamPort: number, trustProxy = false) {
  const server = createServer({ shouldUpgradeCallback: isStreamHandshake }, (request, response) =>
    response.end(`plain ${request.url}`),
  );
  const proxy = proxyStream(server, {
    streamUrl: `http://127.0.0.1:${streamPort}`,
    trustProxy,
    now: Date.now,
    log: testLog(),
  });
  const port = await listening(server);
  closers.push(() => proxy.close());
  return { port, proxy };
}

test("frames go both ways, with the client's headers and its address as this server knows it", async () => {
  const stream = createServer();
  const sockets = new WebSocketServer({ server: stream, perMessageDeflate: false });
  sockets.on("connection", (socket, request) => {
    const { authorization, host } = request.headers;
    socket.send(JSON.stringify({ authorization, host, from: request.headers["x-forwarded-for"] }));
    socket.on("message", (data) => socket.send(data));
  });
  const { port, proxy } = await proxied(await listening(stream));
  const client = new WebSocket(`ws://127.0.0.1:${port}/ws`, {
    headers: { authorization: "Bearer key", "x-forwarded-for": "6.6.6.6" },
  });
  const messages: Buffer[] = [];
  client.on("message", (data) => messages.push(data as Buffer));
  await expect.poll(() => messages.length).toBe(1);
  expect(JSON.parse(messages[0]!.toString())).toEqual({
    authorization: "Bearer key",
    host: `127.0.0.1:${port}`,
    from: "127.0.0.1",
  });
  const large = Buffer.alloc(2_000_000, 7);
  client.send(large);
  await expect.poll(() => messages[1]?.equals(large)).toBe(true);
  expect(proxy.open()).toBe(1);
  const closed = new Promise<number>((resolve) => client.once("close", resolve));
  proxy.close();
  expect(await closed).toBe(1006);
  await expect.poll(() => proxy.open()).toBe(0);
  await expect.poll(() => sockets.clients.size).toBe(0);
});

test("while the stream is away a WebSocket gets 503 as a problem document", async () => {
  const gone = createServer();
  const port = await listening(gone);
  await new Promise((resolve) => gone.close(resolve));
  const { port: apiPort, proxy } = await proxied(port);
  const answer = await new Promise<{ status: number; type: string; body: string }>((resolve, reject) => {
    const client = new WebSocket(`ws://127.0.0.1:${apiPort}/ws`);
    client.on("error", reject);
    client.on("unexpected-response", (_request, response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => (body += chunk.toString()));
      response.on("end", () =>
        resolve({ status: response.statusCode!, type: response.headers["content-type"]!, body }),
      );
    });
  });
  expect(answer).toMatchObject({ status: 503, type: "application/problem+json" });
  expect(JSON.parse(answer.body)).toMatchObject({
    status: 503,
    code: "service.unavailable",
    instance: "/ws",
    retryable: true,
  });
  await expect.poll(() => proxy.open()).toBe(0);
});

test.each(["/api/jobs", "/wss"])("another protocol's offer at %s is answered as plain HTTP", async (path) => {
  const { port } = await proxied(1);
  const client = new WebSocket(`ws://127.0.0.1:${port}${path}`);
  const status = await new Promise<number>((resolve, reject) => {
    client.on("error", reject);
    client.on("unexpected-response", (_request, response) => resolve(response.statusCode!));
  });
  expect(status).toBe(200);
});

test("events of the stream are asked for with the caller's own credentials; a refusal keeps its code", async () => {
  const heard: Record<string, unknown>[] = [];
  const stream = createServer((request, response) => {
    heard.push({ url: request.url, ...request.headers });
    if (request.url?.includes("none") === true) {
      response.writeHead(422, { "content-type": "application/problem+json" });
      return response.end(JSON.stringify({ code: "symbol.unknown", detail: "No ticks come of it." }));
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    return response.end("event: hello\ndata: {}\n\n");
  });
  const streamUrl = `http://127.0.0.1:${await listening(stream)}`;
  const events = createLiveEvents({ streamUrl });
  const request = (query: string) =>
    new Request(`http://api/api/stream?${query}`, {
      headers: { authorization: "Bearer key", "last-event-id": "e/1", "x-secret": "mine" },
    });
  const answer = await events.open(request("topic=alerts"), "10.0.0.1");
  expect(answer.headers.get("content-type")).toBe("text/event-stream");
  expect(await answer.text()).toBe("event: hello\ndata: {}\n\n");
  expect(heard[0]).toMatchObject({
    url: "/stream?topic=alerts",
    authorization: "Bearer key",
    "last-event-id": "e/1",
    "x-forwarded-for": "10.0.0.1",
  });
  expect(heard[0]).not.toHaveProperty("x-secret");
  await expect(events.open(request("topic=ticks:none"), "10.0.0.1")).rejects.toMatchObject({
    code: "symbol.unknown",
  });
  stream.closeAllConnections();
  await new Promise((resolve) => stream.close(resolve));
  await expect(events.open(request("topic=alerts"), "10.0.0.1")).rejects.toMatchObject({
    code: "service.unavailable",
  });
});
