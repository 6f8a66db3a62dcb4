import { connect } from "node:net";
import type { Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { handSource, streamFixture } from "./fixture.ts";

let fixture: Awaited<ReturnType<typeof streamFixture>>;
beforeAll(async () => {
  fixture = await streamFixture();
});
afterAll(() => fixture.close());

const topic = { channel: "ticks", instrumentId: "A.HAND" };

/** A client that stops reading its socket. */
async function stalled(url: string) {
  const client = await fixture.connect(url);
  client.send({ op: "subscribe", ...topic });
  await client.next((frame) => frame.type === "snapshot");
  client.socket.pause();
  return client;
}

test("a client that stops reading is given the newest state when it reads again; others lose nothing", async () => {
  const source = handSource();
  const stream = await fixture.start(source, { clientLimits: { conflateBytes: 32_768 } });
  const slow = await stalled(stream.url);
  const quick = await fixture.connect(stream.url);
  quick.send({ op: "subscribe", ...topic });
  await quick.next((frame) => frame.type === "snapshot");
  // Far more than socket buffers hold.
  const sent = 60_000;
  for (let i = 0; i < sent; i++) {
    source.send({ price: 1 + i });
    if (i % 500 === 499) await new Promise((resolve) => setImmediate(resolve));
  }
  await quick.next((frame) => frame.seq === sent);
  slow.socket.resume();
  await slow.next((frame) => frame.seq === sent);
  // What it missed is plain: numbers go on without a gap, or a snapshot says where they do.
  let seq = 0;
  for (const frame of slow.frames) {
    if (frame.type === "delta") expect(frame.seq).toBe(++seq);
    if (frame.type === "snapshot") seq = frame.seq;
  }
  expect(seq).toBe(sent);
  expect(slow.frames.filter((frame) => frame.type === "snapshot").length).toBeGreaterThan(1);
  for (const one of [slow, quick]) one.socket.close();
  await stream.close(1_000);
}, 60_000);

test("one that does not read for too long, or does not answer pings, is cut off", async () => {
  const source = handSource();
  const stream = await fixture.start(source, {
    clientLimits: { conflateBytes: 1_024, slowMs: 500 },
    serverLimits: { pingMs: 2_000 },
  });
  const health = async () =>
    ((await (await fetch(`http://127.0.0.1:${stream.port}/healthz`)).json()) as { clients: number }).clients;
  const slow = await stalled(stream.url);
  expect(await health()).toBe(1);
  const timer = setInterval(() => {
    for (let i = 0; i < 5_000; i++) source.send({});
  }, 50);
  await expect.poll(health, { timeout: 20_000 }).toBe(0);
  clearInterval(timer);
  slow.socket.terminate();

  // Half-open: the handshake is done, nothing comes any more.
  const mute = await new Promise<Socket>((resolve) => {
    const socket = connect(stream.port, "127.0.0.1", () => {
      socket.write(
        `GET /ws HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nauthorization: Bearer ${fixture.adminKey}\r\n\r\n`,
      );
      socket.once("data", () => resolve(socket));
    });
  });
  expect(await health()).toBe(1);
  await expect.poll(health, { timeout: 15_000 }).toBe(0);
  mute.destroy();
}, 60_000);

test("a stop tells its clients that it goes away", async () => {
  const stream = await fixture.start(undefined);
  const client = await fixture.connect(stream.url);
  expect(await client.next((frame) => frame.type === "hello")).toMatchObject({
    venue: null,
    simulated: false,
    instruments: [],
  });
  client.send({ op: "subscribe", ...topic });
  await client.next((frame) => frame.code === "symbol.unknown");
  await stream.close(1_000);
  expect(await client.closed).toMatchObject({ code: 1001 });
});
