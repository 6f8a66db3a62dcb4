import type { Caller, Log } from "@tapedeck/core";
import { ClientFrame, topicKey } from "@tapedeck/features/ticks/contract";
import type { MarketTopic, ServerFrame, Topic } from "@tapedeck/features/ticks/contract";
import type { RawData, WebSocket } from "ws";
import type { FormulaTopic } from "./formulas.ts";
import { frameText } from "./hub.ts";
import type { Hub, Message } from "./hub.ts";
import { asSubscribeError } from "./rowTopics.ts";
import type { RowTopic, RowTopics } from "./rowTopics.ts";

/** Close codes beside those of RFC 6455. */
export const closeCodes = {
  goingAway: 1001,
  /** Too many malformed frames, or too many frames. */
  policy: 1008,
  tryAgain: 1013,
  /** The credentials are not valid any more. */
  unauthenticated: 4401,
  /** The client took too long to read what it subscribed to. */
  slow: 4408,
} as const;

export interface ClientLimits {
  subscriptions: number;
  /** Malformed frames until the connection is closed. */
  malformedFrames: number;
  framesPerSecond: number;
  framesBurst: number;
  /** Unread bytes from which on deltas are held back: the client then gets the newest state instead of each step. */
  conflateBytes: number;
  /** Unread bytes at which the connection ends. */
  maxBufferedBytes: number;
  /** Time above conflateBytes after which the connection ends. */
  slowMs: number;
}

export const defaultLimits: ClientLimits = {
  subscriptions: 50,
  malformedFrames: 20,
  framesPerSecond: 50,
  framesBurst: 200,
  conflateBytes: 262_144,
  maxBufferedBytes: 4_194_304,
  slowMs: 30_000,
};

export interface ClientParts {
  socket: WebSocket;
  caller: Omit<Caller, "requestId">;
  hub: Hub;
  rows: RowTopics;
  /** What a subscriber sees first; undefined: there is no such topic. */
  snapshot(topic: MarketTopic): unknown;
  /** Has a formula evaluated until what it gives is called. Throws what is wrong with it. */
  openFormula(topic: FormulaTopic): Promise<() => void>;
  /** Has the venue take an instrument that it does not have yet, where it can. */
  add(instrumentId: string): Promise<void>;
  limits: ClientLimits;
  now(): number;
  log: Log;
}

interface Subscription {
  topic: Topic;
  /** The last number that was sent. */
  seq: number;
  /** Deltas are held back. */
  behind: boolean;
  /** Sends what was held back. */
  catchUp(): void;
  stop(): void;
}

/** One connection: its subscriptions, and how fast it reads. */
export interface StreamClient {
  /** Called a few times a second: ends those that are too slow, lets those go on that have caught up. */
  sweep(): void;
  stop(): void;
}

export function createStreamClient(parts: ClientParts): StreamClient {
  const { socket, hub, limits, now } = parts;
  const subscriptions = new Map<string, Subscription>();
  let malformed = 0;
  let tokens = limits.framesBurst;
  let tokensMs = now();
  let slowSinceMs: number | undefined;

  const send = (frame: ServerFrame) => socket.send(frameText(frame));
  const isFull = () => socket.bufferedAmount > limits.conflateBytes;

  function fail(code: string, message: string): void {
    send({ type: "error", code, message });
  }

  function subscribeSeries(topic: MarketTopic, resume: { epoch: string; seq: number } | undefined): void {
    const snapshot = parts.snapshot(topic);
    if (snapshot === undefined) return fail("symbol.unknown", `No ticks come of ${topic.instrumentId} here.`);
    const missed = resume?.epoch === hub.epoch ? hub.since(topic, resume.seq) : undefined;
    const subscription: Subscription = {
      topic,
      seq: 0,
      behind: false,
      catchUp() {
        const held = hub.since(topic, subscription.seq);
        subscription.behind = false;
        if (held === undefined) sendSnapshot(parts.snapshot(topic));
        else sendAll(held);
      },
      stop: () => off(),
    };
    function sendSnapshot(data: unknown): void {
      subscription.seq = hub.seq(topic);
      send({ type: "snapshot", ...topic, epoch: hub.epoch, seq: subscription.seq, data });
    }
    function sendAll(messages: readonly Message[]): void {
      for (const message of messages) {
        if (isFull()) {
          subscription.behind = true;
          return;
        }
        socket.send(message.text);
        subscription.seq = message.seq;
      }
    }
    if (missed === undefined || resume === undefined) sendSnapshot(snapshot);
    else {
      subscription.seq = resume.seq;
      send({ type: "resumed", ...topic, epoch: hub.epoch, seq: resume.seq });
      sendAll(missed);
    }
    const off = hub.listen(topic, {
      deliver(message) {
        if (subscription.behind || isFull()) subscription.behind = true;
        else {
          socket.send(message.text);
          subscription.seq = message.seq;
        }
      },
    });
    subscriptions.set(topicKey(topic), subscription);
  }

  async function subscribeFormula(
    topic: FormulaTopic,
    resume: { epoch: string; seq: number } | undefined,
  ): Promise<void> {
    const key = topicKey(topic);
    const held: Subscription = { topic, seq: 0, behind: false, catchUp() {}, stop() {} };
    subscriptions.set(key, held);
    try {
      const release = await parts.openFormula(topic);
      if (subscriptions.get(key) !== held) return release();
      subscribeSeries(topic, resume);
      const subscription = subscriptions.get(key)!;
      const { stop } = subscription;
      subscription.stop = () => {
        stop();
        release();
      };
    } catch (error) {
      subscriptions.delete(key);
      const known = asSubscribeError(error);
      fail(known.code, known.message);
    }
  }

  async function subscribeRows(
    topic: RowTopic,
    resume: { epoch: string; seq: number } | undefined,
  ): Promise<void> {
    const { tenantId } = parts.caller;
    // Its place is taken while the rows are looked up: the limit holds, and a second frame finds it.
    const subscription: Subscription = { topic, seq: 0, behind: false, catchUp() {}, stop() {} };
    subscriptions.set(topicKey(topic), subscription);
    try {
      const { seq, data } = await parts.rows.snapshot(topic, tenantId);
      if (subscriptions.get(topicKey(topic)) !== subscription) return;
      // Rows' numbers outlive this process, so that any epoch is resumed.
      if (resume === undefined) send({ type: "snapshot", ...topic, epoch: hub.epoch, seq, data });
      else send({ type: "resumed", ...topic, epoch: hub.epoch, seq: resume.seq });
      const follower = parts.rows.follow(topic, tenantId, resume?.seq ?? seq, (event) => {
        if (isFull()) {
          subscription.behind = true;
          return false;
        }
        send({ type: "delta", ...topic, ...event });
        return true;
      });
      subscription.catchUp = () => {
        subscription.behind = false;
        follower.wake();
      };
      subscription.stop = () => follower.stop();
    } catch (error) {
      subscriptions.delete(topicKey(topic));
      const known = asSubscribeError(error);
      if (known.cause !== undefined) parts.log.warn({ err: known.cause }, "rows were not looked up");
      fail(known.code, known.message);
    }
  }

  function handle(frame: ClientFrame): void {
    if (frame.op === "ping") return send({ type: "pong", atMs: now() });
    const { topic } = frame;
    const key = topicKey(topic);
    const known = subscriptions.get(key);
    if (frame.op === "unsubscribe") {
      known?.stop();
      subscriptions.delete(key);
      return send({ type: "unsubscribed", ...topic });
    }
    if (known !== undefined)
      return fail("resource.conflict", `You are subscribed to ${key}; unsubscribe first.`);
    if (subscriptions.size >= limits.subscriptions)
      return fail(
        "rate.limited",
        `A connection has at most ${limits.subscriptions} subscriptions; unsubscribe from one.`,
      );
    if (topic.channel === "jobs" || topic.channel === "alerts")
      return void subscribeRows(topic, frame.resume);
    if (topic.channel === "formulas") return void subscribeFormula(topic, frame.resume);
    if (parts.snapshot(topic) !== undefined) return subscribeSeries(topic, frame.resume);
    parts.add(topic.instrumentId).then(
      () => {
        if (socket.readyState === socket.OPEN && !subscriptions.has(key))
          subscribeSeries(topic, frame.resume);
      },
      (error: unknown) => {
        const known = asSubscribeError(error);
        parts.log.warn({ err: known.cause ?? error }, "an instrument was not added");
        fail(known.code, known.message);
      },
    );
  }

  function refuse(message: string): void {
    malformed += 1;
    if (malformed > limits.malformedFrames) return;
    fail("request.malformed", message);
    if (malformed === limits.malformedFrames) socket.close(closeCodes.policy, "too many malformed frames");
  }

  function takeToken(): boolean {
    const nowMs = now();
    const refill = (Math.max(0, nowMs - tokensMs) / 1_000) * limits.framesPerSecond;
    tokens = Math.min(limits.framesBurst, tokens + refill);
    tokensMs = nowMs;
    tokens -= 1;
    return tokens >= 0;
  }

  socket.on("message", (data: RawData, isBinary: boolean) => {
    if (malformed >= limits.malformedFrames) return;
    if (!takeToken()) return socket.close(closeCodes.policy, "too many frames");
    if (isBinary) return refuse("Frames are JSON text; this one is binary.");
    let value: unknown;
    try {
      value = JSON.parse((data as Buffer).toString());
    } catch {
      return refuse("The frame is not JSON.");
    }
    const parsed = ClientFrame.safeParse(value);
    if (parsed.success) handle(parsed.data);
    else
      refuse(
        'The frame is none of those that are known, such as {"op":"subscribe","channel":"ticks","instrumentId":"SYN-A.SIMULATED"}.',
      );
  });

  return {
    sweep() {
      const unread = socket.bufferedAmount;
      if (unread > limits.maxBufferedBytes) return socket.terminate();
      if (unread > limits.conflateBytes) {
        slowSinceMs ??= now();
        if (now() - slowSinceMs > limits.slowMs) {
          parts.log.info({ principalId: parts.caller.principalId, unread }, "a slow client was cut off");
          socket.close(closeCodes.slow, "too slow");
          // Its buffer is full: the close frame may never arrive.
          socket.terminate();
        }
        return;
      }
      slowSinceMs = undefined;
      if (unread > limits.conflateBytes / 2) return;
      for (const subscription of subscriptions.values()) if (subscription.behind) subscription.catchUp();
    },
    stop() {
      for (const subscription of subscriptions.values()) subscription.stop();
      subscriptions.clear();
    },
  };
}
