import { AppError } from "@tapedeck/core";
import type { Caller, Log } from "@tapedeck/core";
import { topicKey } from "@tapedeck/features/ticks/contract";
import type { ClientFrame, MarketTopic, ServerFrame, Topic } from "@tapedeck/features/ticks/contract";
import type { Message } from "./encode.ts";
import type { ComputedTopic, OpenTopic } from "./computed.ts";
import type { Hub } from "./hub.ts";
import { asSubscribeError } from "./rowTopics.ts";
import type { Relay } from "./relay.ts";
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

export interface SessionLimits {
  subscriptions: number;
  /** Unread bytes from which on deltas are held back: the client then gets the newest state instead of each step. */
  conflateBytes: number;
  /** Unread bytes at which the connection ends. */
  maxBufferedBytes: number;
  /** Time above conflateBytes after which the connection ends. */
  slowMs: number;
}

export const defaultSessionLimits: SessionLimits = {
  subscriptions: 50,
  conflateBytes: 262_144,
  maxBufferedBytes: 4_194_304,
  slowMs: 30_000,
};

/** How frames get to a client: a WebSocket, or an event stream. */
export interface Transport {
  isOpen(): boolean;
  /** Bytes that the client has not taken yet. */
  unread(): number;
  send(frame: ServerFrame): void;
  /** A delta, in a form that is made once for all who read it. */
  deliver(message: Message): void;
  /** Ends in order: what is under way still arrives. */
  close(code: number, reason: string): void;
  /** Ends at once. */
  terminate(): void;
}

export interface SessionParts {
  caller: Omit<Caller, "requestId">;
  hub: Hub;
  rows: RowTopics;
  /** What a subscriber sees first; undefined: there is no such topic. */
  snapshot(topic: Exclude<MarketTopic, ComputedTopic>): unknown;
  /** Has a topic computed for a tenant until it is released. Throws what is wrong with it. */
  compute(topic: ComputedTopic, tenantId: string): Promise<OpenTopic>;
  /** A formula whose saved names, which are the tenant's, are put in. Throws `formula.invalid`. */
  expand(tenantId: string, formula: string): Promise<string>;
  /** Follows the accounts of a tenant until what it gives is called. */
  portfolio: { follow(tenantId: string): Promise<() => void>; snapshot(tenantId: string): unknown };
  /** Has the venue take an instrument that it does not have yet, where it can. */
  add(instrumentId: string): Promise<void>;
  /** The address of the process that an instrument's ticks come to, where that is another one. */
  holderOf(instrumentId: string): Promise<string | undefined>;
  /** Calls when an instrument's ticks come here no more, until what it gives is called. */
  onGivenUp(listener: (instrumentId: string) => void): () => void;
  /** To other processes of the venue; undefined for a client that is one of them. */
  relay: Relay | undefined;
  limits: SessionLimits;
  now(): number;
  log: Log;
}

/** How long an instrument that left its process is looked for, and how often: a lease has run out by then. */
const patienceMs = 30_000;
const lookEveryMs = 250;

/** Where a client goes on. */
type Resume = Extract<ClientFrame, { op: "subscribe" }>["resume"];

interface Subscription {
  /** Of an instrument that may go to another process, with where it would go on. */
  moves?: { topic: MarketTopic; at(): Resume };
  /** Deltas are held back. */
  behind: boolean;
  /** Sends what was held back. */
  catchUp(): void;
  stop(): void;
}

/** What one client is subscribed to, and how fast it reads. */
export interface Session {
  subscribe(topic: Topic, resume: Resume): void;
  unsubscribe(topic: Topic): void;
  /** Called a few times a second: ends those that are too slow, lets those go on that have caught up. */
  sweep(): void;
  stop(): void;
}

/** A topic of the hub as a client sees it. */
interface Published {
  /** As the client asked for it. */
  topic: Topic;
  /** As it is published. */
  source: Topic;
  scope?: string;
  snapshot(): unknown;
}

/** A topic that is made for those who ask, until it is released. */
interface Made {
  published: Omit<Published, "topic">;
  release(): void;
}

/** The instrument by which a topic goes to a process. */
function instrumentOf(topic: MarketTopic): string {
  return topic.channel === "pairs" ? topic.y : topic.instrumentId;
}

export function createSession(transport: Transport, parts: SessionParts): Session {
  const { hub, limits, now } = parts;
  const { tenantId } = parts.caller;
  const subscriptions = new Map<string, Subscription>();
  let slowSinceMs: number | undefined;
  const offGivenUp = parts.onGivenUp((instrumentId) => {
    for (const [key, subscription] of subscriptions) {
      const { moves } = subscription;
      if (moves === undefined || instrumentOf(moves.topic) !== instrumentId) continue;
      subscription.stop();
      subscriptions.delete(key);
      void subscribeAbsent(moves.topic, moves.at(), now());
    }
  });

  const isFull = () => transport.unread() > limits.conflateBytes;

  function refuse(topic: Topic, error: unknown): void {
    const known = asSubscribeError(error);
    if (known.cause !== undefined) parts.log.warn({ err: known.cause }, "a subscription failed");
    transport.send({ type: "error", code: known.code, message: known.message, topic });
  }

  function follow(published: Published, resume: Resume): Subscription {
    const { topic, source, scope } = published;
    const isShared = topic === source;
    let seq = 0;
    const subscription: Subscription = {
      behind: false,
      catchUp() {
        subscription.behind = false;
        const held = hub.since(source, seq, scope);
        if (held === undefined) sendSnapshot();
        else sendAll(held);
      },
      stop: () => off(),
    };
    if (topic.channel !== "portfolio" && topic.channel !== "jobs" && topic.channel !== "alerts")
      subscription.moves = { topic, at: () => ({ epoch: hub.epoch, seq }) };
    const deliver = (message: Message) => {
      if (isShared) transport.deliver(message);
      else transport.send({ type: "delta", ...topic, seq: message.seq, data: message.data });
      seq = message.seq;
    };
    function sendSnapshot(): void {
      seq = hub.seq(source, scope);
      transport.send({ type: "snapshot", ...topic, epoch: hub.epoch, seq, data: published.snapshot() });
    }
    function sendAll(messages: readonly Message[]): void {
      for (const message of messages) {
        if (isFull()) {
          subscription.behind = true;
          return;
        }
        deliver(message);
      }
    }
    const missed = resume?.epoch === hub.epoch ? hub.since(source, resume.seq, scope) : undefined;
    if (missed === undefined || resume === undefined) sendSnapshot();
    else {
      seq = resume.seq;
      transport.send({ type: "resumed", ...topic, epoch: hub.epoch, seq });
      sendAll(missed);
    }
    const off = hub.listen(
      source,
      {
        deliver(message) {
          if (subscription.behind || isFull()) subscription.behind = true;
          else deliver(message);
        },
      },
      scope,
    );
    return subscription;
  }

  /** A topic that was made for those who ask: the end of the subscription lets go of it. */
  function followMade(topic: Topic, { published, release }: Made, resume: Resume): Subscription {
    const source = topicKey(published.source) === topicKey(topic) ? topic : published.source;
    const subscription = follow({ ...published, topic, source }, resume);
    const { stop } = subscription;
    subscription.stop = () => {
      stop();
      release();
    };
    return subscription;
  }

  async function openComputed(topic: ComputedTopic): Promise<Made> {
    const source =
      topic.channel === "formulas"
        ? { ...topic, formula: await parts.expand(tenantId, topic.formula) }
        : topic;
    const { scope, snapshot, release } = await parts.compute(source, tenantId);
    return { published: { source, snapshot, ...(scope === undefined ? {} : { scope }) }, release };
  }

  /** What another process publishes, handed on as it comes; whoever takes the instrument next is asked when it ends. */
  function handOn(
    topic: MarketTopic,
    resume: Resume,
    address: string,
    sinceMs: number | undefined,
  ): Subscription {
    const key = topicKey(topic);
    let at = resume;
    let waitingSinceMs = sinceMs;
    const stop = parts.relay!.follow(address, topic, resume, {
      frame(frame) {
        waitingSinceMs = undefined;
        at = { epoch: frame.type === "delta" ? (at?.epoch ?? "") : frame.epoch, seq: frame.seq };
        transport.send(frame);
      },
      lost(error) {
        if (subscriptions.get(key) !== subscription) return;
        subscriptions.delete(key);
        // Nothing ever came: it is for the client to ask again.
        if (at === undefined && error !== undefined) return refuse(topic, error);
        void subscribeAbsent(topic, at, waitingSinceMs ?? now());
      },
    });
    const subscription: Subscription = { behind: false, catchUp() {}, stop };
    return subscription;
  }

  /** Opens a topic here, or at the process that its instrument's ticks come to. Undefined: there is none now. */
  async function openAnywhere(
    topic: MarketTopic,
    resume: Resume,
    sinceMs: number | undefined,
    isWanted: () => boolean,
  ): Promise<Subscription | undefined> {
    // What has just left is not taken back: it is somebody else's share.
    if (sinceMs === undefined) await parts.add(instrumentOf(topic));
    const address = await parts.holderOf(instrumentOf(topic));
    if (!isWanted()) return undefined;
    if (address !== undefined && parts.relay !== undefined) return handOn(topic, resume, address, sinceMs);
    if (topic.channel === "formulas" || topic.channel === "pairs") {
      const made = await openComputed(topic);
      if (isWanted()) return followMade(topic, made, resume);
      made.release();
      return undefined;
    }
    const snapshot = () => parts.snapshot(topic);
    return snapshot() === undefined ? undefined : follow({ topic, source: topic, snapshot }, resume);
  }

  /** A topic that is not here yet. One that went on elsewhere is looked for a while: its new holder may have to find out. */
  async function subscribeAbsent(topic: MarketTopic, resume: Resume, movedMs?: number): Promise<void> {
    const key = topicKey(topic);
    const held: Subscription = { behind: false, catchUp() {}, stop() {} };
    subscriptions.set(key, held);
    const isWanted = () => subscriptions.get(key) === held;
    try {
      for (;;) {
        if (movedMs !== undefined) await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
        if (!isWanted()) return;
        const subscription = await openAnywhere(topic, resume, movedMs, isWanted);
        if (!isWanted()) return;
        if (subscription !== undefined) return void subscriptions.set(key, subscription);
        if (movedMs === undefined || parts.relay === undefined || now() - movedMs > patienceMs)
          throw new AppError("symbol.unknown", `No ticks come of ${instrumentOf(topic)} here.`);
      }
    } catch (error) {
      if (isWanted()) subscriptions.delete(key);
      refuse(topic, error);
    }
  }

  /** Its place is taken until there is a snapshot. */
  async function subscribePortfolio(topic: Topic, resume: Resume): Promise<void> {
    const key = topicKey(topic);
    const held: Subscription = { behind: false, catchUp() {}, stop() {} };
    subscriptions.set(key, held);
    try {
      const release = await parts.portfolio.follow(tenantId);
      if (subscriptions.get(key) !== held) return release();
      const snapshot = () => parts.portfolio.snapshot(tenantId);
      const published = { source: topic, scope: tenantId, snapshot };
      subscriptions.set(key, followMade(topic, { published, release }, resume));
    } catch (error) {
      subscriptions.delete(key);
      refuse(topic, error);
    }
  }

  async function subscribeRows(topic: RowTopic, resume: Resume): Promise<void> {
    const key = topicKey(topic);
    const subscription: Subscription = { behind: false, catchUp() {}, stop() {} };
    subscriptions.set(key, subscription);
    try {
      const { seq, data } = await parts.rows.snapshot(topic, tenantId);
      if (subscriptions.get(key) !== subscription) return;
      // Rows' numbers outlive this process, so that any epoch is resumed; one that no row has yet says nothing.
      const fromSeq = resume !== undefined && resume.seq <= seq ? resume.seq : undefined;
      if (fromSeq === undefined) transport.send({ type: "snapshot", ...topic, epoch: hub.epoch, seq, data });
      else transport.send({ type: "resumed", ...topic, epoch: hub.epoch, seq: fromSeq });
      const follower = parts.rows.follow(topic, tenantId, fromSeq ?? seq, (event) => {
        if (isFull()) {
          subscription.behind = true;
          return false;
        }
        transport.send({ type: "delta", ...topic, ...event });
        return true;
      });
      subscription.catchUp = () => {
        subscription.behind = false;
        follower.wake();
      };
      subscription.stop = () => follower.stop();
    } catch (error) {
      if (subscriptions.get(key) === subscription) subscriptions.delete(key);
      refuse(topic, error);
    }
  }

  return {
    subscribe(topic, resume) {
      const key = topicKey(topic);
      if (subscriptions.has(key))
        return refuse(
          topic,
          new AppError("resource.conflict", `You are subscribed to ${key}; unsubscribe first.`),
        );
      if (subscriptions.size >= limits.subscriptions)
        return refuse(
          topic,
          new AppError(
            "rate.limited",
            `A connection has at most ${limits.subscriptions} subscriptions; unsubscribe from one.`,
          ),
        );
      if (topic.channel === "jobs" || topic.channel === "alerts") return void subscribeRows(topic, resume);
      if (topic.channel === "portfolio") return void subscribePortfolio(topic, resume);
      if (topic.channel === "formulas" || topic.channel === "pairs")
        return void subscribeAbsent(topic, resume);
      const snapshot = () => parts.snapshot(topic);
      if (snapshot() === undefined) return void subscribeAbsent(topic, resume);
      subscriptions.set(key, follow({ topic, source: topic, snapshot }, resume));
    },
    unsubscribe(topic) {
      const key = topicKey(topic);
      subscriptions.get(key)?.stop();
      subscriptions.delete(key);
      transport.send({ type: "unsubscribed", ...topic });
    },
    sweep() {
      const unread = transport.unread();
      parts.relay?.setPaused(unread > limits.conflateBytes);
      if (unread > limits.maxBufferedBytes) return transport.terminate();
      if (unread > limits.conflateBytes) {
        slowSinceMs ??= now();
        if (now() - slowSinceMs > limits.slowMs) {
          parts.log.info({ principalId: parts.caller.principalId, unread }, "a slow client was cut off");
          transport.close(closeCodes.slow, "too slow");
          // Its buffer is full: the close frame may never arrive.
          transport.terminate();
        }
        return;
      }
      slowSinceMs = undefined;
      if (unread > limits.conflateBytes / 2) return;
      for (const subscription of subscriptions.values()) if (subscription.behind) subscription.catchUp();
    },
    stop() {
      offGivenUp();
      for (const subscription of subscriptions.values()) subscription.stop();
      subscriptions.clear();
      parts.relay?.stop();
    },
  };
}
