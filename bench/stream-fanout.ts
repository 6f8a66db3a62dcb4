/** Ticks to 200 and to 1,000 clients of another process, as JSON and MessagePack, beside a raw ws broadcast. */
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { encode } from "@msgpack/msgpack";
import { WebSocketServer } from "ws";
import { encodeFrame } from "../apps/stream/src/encode.ts";
import type { Format } from "../apps/stream/src/encode.ts";
import { report } from "./figure.ts";
import { openStreamServer } from "./streamServer.ts";

const REPEATS = 5;
const SENDS = 100_000;

const topic = { channel: "ticks", instrumentId: "BTCUSDT.BINANCE" } as const;
const tick = {
  venue: "binance",
  instrumentId: topic.instrumentId,
  seq: 1,
  eventMs: Date.UTC(2026, 0, 5),
  receivedMs: Date.UTC(2026, 0, 5),
  price: 60_000,
  size: 1,
  side: "buy",
};
const subscribe = { op: "subscribe", ...topic };

const said = (child: ChildProcess, word: string) =>
  new Promise<void>((resolve) => {
    const listen = (message: unknown) => {
      if (message !== word) return;
      child.off("message", listen);
      resolve();
    };
    child.on("message", listen);
  });

async function connect(
  url: string,
  clients: number,
  subprotocol: string,
  greeting: Uint8Array,
): Promise<ChildProcess> {
  const args = [url, String(clients), subprotocol, Buffer.from(greeting).toString("base64")];
  const child = fork(path.join(import.meta.dirname, "wsClients.ts"), args);
  await said(child, "open");
  return child;
}

/** Sends a second of this process's CPU time, until every client has every message. */
async function rate(child: ChildProcess, clients: number, broadcast: () => void): Promise<number> {
  const broadcasts = SENDS / clients;
  const counting = said(child, "counting");
  const done = said(child, "done");
  child.send({ broadcasts });
  await counting;
  const before = process.cpuUsage();
  for (let i = 0; i < broadcasts; i++) {
    broadcast();
    // As prints come: the loop turns between them, and a client is never so far behind that it is held back.
    if (i % 4 === 3) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await done;
  const { user, system } = process.cpuUsage(before);
  return SENDS / ((user + system) / 1e6);
}

async function compare(clients: number, format: Format): Promise<void> {
  const { hub, server } = await openStreamServer(clients);
  const raw = new WebSocketServer({
    server: createServer().listen(0, "127.0.0.1"),
    perMessageDeflate: false,
  });
  await new Promise((resolve) => raw.once("listening", resolve));
  const rawUrl = `ws://127.0.0.1:${(raw.address() as AddressInfo).port}`;
  const greeting = format === "json" ? Buffer.from(JSON.stringify(subscribe)) : encode(subscribe);
  const mine = await connect(`ws://127.0.0.1:${server.port}/ws`, clients, `tapedeck.${format}`, greeting);
  const plain = await connect(rawUrl, clients, "", new Uint8Array());
  const frame = encodeFrame({ type: "delta", ...topic, seq: 1, data: tick }, format);
  const message = format === "json" ? frame.toString() : frame;
  const broadcast = () => {
    for (const socket of raw.clients) socket.send(message);
  };
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let i = 0; i <= REPEATS; i++) {
    const stream = await rate(mine, clients, () => hub.publish(topic, tick));
    const peer = await rate(plain, clients, broadcast);
    // The first warms both.
    if (i === 0) continue;
    ours.push(stream);
    theirs.push(peer);
  }
  report({
    figure: `ticks to ${clients} clients, ${format}, numbered and resumable`,
    unit: "sends/s of CPU time",
    ours,
    peer: "ws, sending the same to each",
    theirs,
    aim: 0.9,
  });
  mine.kill();
  plain.kill();
  raw.close();
  await server.close();
}

for (const clients of [200, 1_000])
  for (const format of ["json", "msgpack"] as const) await compare(clients, format);
process.exit(0);
