import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { newId } from "@tapedeck/core";
import { AlertRule } from "@tapedeck/features/alerts/contract";
import { insertAlert } from "@tapedeck/features/alerts/store";
import type { AlertRow } from "@tapedeck/features/alerts/store";
import { ensureFirstAdmin } from "@tapedeck/features/auth/bootstrap";
import { newSecret } from "@tapedeck/features/auth/secrets";
import type { Database } from "@tapedeck/features/db";
import { createBus } from "@tapedeck/platform/bus/index";
import { createDb } from "@tapedeck/platform/postgres/index";
import { testDatabase, testLog } from "@tapedeck/testkit";
import WebSocket from "ws";
import type { Bar } from "@tapedeck/formula";
import type { TickSource, VenueTick } from "./source.ts";
import { barsKey } from "./watch.ts";
import type { WatchOptions } from "./watch.ts";
import { startStream } from "./wire.ts";
import type { RunningStream, StreamParts } from "./wire.ts";

/** What each stream of a test has. */
export const testParts = { codeVersion: "test", host: "127.0.0.1", port: 0, keepMs: 86_400_000 } as const;

/** Of processes that are taken for dead soon, and not while the machine is busy. */
export const quickLeases = { everyMs: 50, ttlMs: 600, beatMs: 200, silentMs: 2_500 };

/** A venue whose ticks the test sends, and whose time it sets where it gives a clock. */
export function handSource(
  venue = "hand",
  { symbols = ["A", "B"], now }: { symbols?: readonly string[]; now?: () => number } = {},
): TickSource & { send(tick: Partial<VenueTick>): void } {
  const left = new Set<string>();
  let push: (tick: VenueTick) => void = () => undefined;
  return {
    venue,
    simulated: true,
    seed: null,
    instruments: symbols.map((symbol) => ({
      instrumentId: `${symbol}.${venue.toUpperCase()}`,
      symbol,
      venue: venue.toUpperCase(),
      name: symbol,
      assetClass: "other",
      currency: "USD",
      calendar: "24x7",
      tickSize: null,
      lotSize: null,
      minNotional: null,
      space: "shared",
    })),
    add: () => undefined,
    start(sink) {
      push = (tick) => {
        if (!left.has(tick.instrumentId)) sink.tick(tick);
      };
    },
    follow: (instrumentId) => void left.delete(instrumentId),
    leave: (instrumentId) => void left.add(instrumentId),
    places: () => new Map(),
    status: () => null,
    ...(now === undefined ? {} : { now }),
    stop() {
      push = () => undefined;
    },
    send(tick) {
      push({ instrumentId: "A.HAND", eventMs: Date.now(), price: 10, size: 1, side: "buy", ...tick });
    },
  };
}

/** Series of instruments that are all here, by their ids. */
export function seriesHere(
  history: (instrumentId: string) => Promise<readonly Bar[]>,
): WatchOptions["seriesOf"] {
  return (instrumentId, { timeframe }) => ({
    key: barsKey(instrumentId, timeframe),
    history: () => history(instrumentId),
    follow: () => () => undefined,
    isLate: () => false,
  });
}

// oxlint-disable-next-line typescript/no-explicit-any -- frames are looked into by the tests
type Frame = any;

export interface TestSocket {
  socket: WebSocket;
  frames: Frame[];
  send(frame: unknown): void;
  /** The first frame, from now or from before, that passes. */
  next(test: (frame: Frame) => boolean): Promise<Frame>;
  closed: Promise<{ code: number; reason: string }>;
}

export function openSocket(url: string, headers: Record<string, string>): Promise<TestSocket> {
  const socket = new WebSocket(url, { headers, perMessageDeflate: false });
  const frames: Frame[] = [];
  socket.on("message", (data) => frames.push(JSON.parse((data as Buffer).toString())));
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() })),
  );
  return new Promise((resolve, reject) => {
    socket.once("unexpected-response", (_request, response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => (body += chunk.toString()));
      response.on("end", () =>
        reject(
          Object.assign(new Error(`${response.statusCode}`), {
            status: response.statusCode,
            problem: JSON.parse(body),
          }),
        ),
      );
    });
    socket.once("error", reject);
    socket.once("open", () =>
      resolve({
        socket,
        frames,
        closed,
        send: (frame) => socket.send(typeof frame === "string" ? frame : JSON.stringify(frame)),
        async next(test) {
          const until = performance.now() + 15_000;
          for (;;) {
            const found = frames.find((frame) => test(frame));
            if (found !== undefined) return found;
            if (performance.now() > until)
              throw new Error(`no such frame among ${JSON.stringify(frames.slice(-20))}`);
            await new Promise((wait) => setTimeout(wait, 10));
          }
        },
      }),
    );
  });
}

/** A database with an admin, a folder, and a stream over them. */
export async function streamFixture() {
  const database = await testDatabase<Database>();
  const { db } = database;
  const dir = await mkdtemp(path.join(tmpdir(), "tapedeck-stream-"));
  const log = testLog();
  const adminKey = newSecret("key");
  const jwtSecret = "a secret for tests only, 32 chars";
  const { tenantId } = await ensureFirstAdmin({ db, key: adminKey, now: Date.now });
  const running: { close(): Promise<void> }[] = [];

  async function start(
    source: TickSource | undefined,
    options: Partial<StreamParts> & { databaseUrl?: string } = {},
  ): Promise<RunningStream & { url: string }> {
    const { databaseUrl = database.url, ...more } = options;
    const own = createDb<Database>(databaseUrl, {
      max: 4,
      connectTimeoutMs: 1_000,
      statementTimeoutMs: 2_000,
    });
    const bus = createBus({ databaseUrl: database.url }, { log });
    const stream = await startStream({
      db: own,
      bus,
      log,
      now: Date.now,
      source,
      ...testParts,
      dir,
      jwtSecret,
      recorder: { everyMs: 50 },
      ...more,
    });
    let closed = false;
    const close = async (deadlineMs: number) => {
      if (closed) return;
      closed = true;
      await stream.close(deadlineMs);
      await Promise.allSettled([bus.close(), own.destroy()]);
    };
    running.push({ close: () => close(1_000) });
    return { ...stream, close, url: `ws://127.0.0.1:${stream.port}/ws` };
  }

  return {
    db,
    databaseUrl: database.url,
    dir,
    log,
    adminKey,
    jwtSecret,
    tenantId,
    start,
    /** Adds an alert on A, that may fire at once; gives its id. */
    async alertOn(rule: object, more: Partial<AlertRow> = {}): Promise<string> {
      const id = newId(Date.now());
      await insertAlert(db, {
        id,
        tenantId,
        name: "watched",
        instrumentId: "A.HAND",
        rule: AlertRule.parse(rule),
        cooldownMs: 0,
        expiresMs: null,
        callbackUrl: "https://hooks.example/",
        channelIds: null,
        muted: false,
        createdBy: "test",
        createdMs: Date.now(),
        deletedMs: null,
        armed: true,
        stateMs: 0,
        firedMs: null,
        ...more,
      });
      return id;
    },
    connect: (url: string) => openSocket(url, { authorization: `Bearer ${adminKey}` }),
    async close() {
      for (const one of running) await one.close();
      await database.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
