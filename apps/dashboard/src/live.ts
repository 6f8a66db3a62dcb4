import type { ServerFrame, Topic } from "@tapedeck/features/ticks/contract";
import { topicKey, topicOf } from "@tapedeck/features/ticks/contract";
import { useEffect, useState } from "react";

type Hello = Extract<ServerFrame, { type: "hello" }>;
export type LiveState = "connecting" | "live" | "away";

/** What a page is told of a topic: all that there is, then one thing after the other. */
export interface TopicHandler {
  snapshot(data: unknown): void;
  delta(data: unknown): void;
  /** The stream does not have it. */
  refused?(message: string): void;
}

interface Subscription {
  topic: Topic;
  handlers: Set<TopicHandler>;
  /** Where a new connection goes on. */
  place: { epoch: string; seq: number } | undefined;
}

const firstPauseMs = 500;
const maxPauseMs = 10_000;

/** One WebSocket for all pages: made when a page asks for the stream, made again when it is lost, resumed where it was. */
function createLive() {
  const subscriptions = new Map<string, Subscription>();
  const watchers = new Set<() => void>();
  let socket: WebSocket | undefined;
  let state: LiveState = "connecting";
  let hello: Hello | undefined;
  let pauseMs = firstPauseMs;

  const changed = () => {
    for (const watcher of watchers) watcher();
  };
  const isWanted = () => subscriptions.size > 0 || watchers.size > 0;
  const ask = ({ topic, place }: Subscription) => {
    socket?.send(
      JSON.stringify({ op: "subscribe", ...topic, ...(place === undefined ? {} : { resume: place }) }),
    );
  };

  function take(frame: ServerFrame): void {
    if (frame.type === "hello") {
      hello = frame;
      state = "live";
      pauseMs = firstPauseMs;
      for (const subscription of subscriptions.values()) ask(subscription);
      changed();
      return;
    }
    if (frame.type === "error") {
      const refused = frame.topic === undefined ? undefined : subscriptions.get(topicKey(frame.topic));
      for (const handler of refused?.handlers ?? []) handler.refused?.(frame.message);
      return;
    }
    if (frame.type === "pong" || frame.type === "unsubscribed") return;
    const key = topicKey(topicOf(frame));
    const subscription = subscriptions.get(key);
    if (subscription === undefined) return;
    const epoch = frame.type === "delta" ? (subscription.place?.epoch ?? "") : frame.epoch;
    subscription.place = { epoch, seq: frame.seq };
    if (frame.type === "resumed") return;
    for (const handler of subscription.handlers) {
      if (frame.type === "snapshot") handler.snapshot(frame.data);
      else handler.delta(frame.data);
    }
  }

  function connect(): void {
    const address = new URL("/ws", window.location.href);
    address.protocol = address.protocol.replace("http", "ws");
    socket = new WebSocket(address);
    socket.addEventListener("message", ({ data }) => take(JSON.parse(String(data)) as ServerFrame));
    socket.addEventListener("close", () => {
      socket = undefined;
      state = "away";
      changed();
      if (!isWanted()) return;
      setTimeout(() => {
        if (socket === undefined && isWanted()) connect();
      }, pauseMs);
      pauseMs = Math.min(maxPauseMs, pauseMs * 2);
    });
  }

  return {
    state: () => state,
    hello: () => hello,
    watch(watcher: () => void) {
      watchers.add(watcher);
      if (socket === undefined) connect();
      return () => void watchers.delete(watcher);
    },
    subscribe(topic: Topic, handler: TopicHandler): () => void {
      const key = topicKey(topic);
      let subscription = subscriptions.get(key);
      // A second page needs a snapshot of its own.
      if (subscription !== undefined && socket?.readyState === WebSocket.OPEN)
        socket.send(JSON.stringify({ op: "unsubscribe", ...topic }));
      if (subscription === undefined) {
        subscription = { topic, handlers: new Set(), place: undefined };
        subscriptions.set(key, subscription);
      }
      subscription.handlers.add(handler);
      subscription.place = undefined;
      if (socket === undefined) connect();
      else if (state === "live" && socket.readyState === WebSocket.OPEN) ask(subscription);
      return () => {
        subscription.handlers.delete(handler);
        if (subscription.handlers.size > 0) return;
        subscriptions.delete(key);
        if (socket?.readyState === WebSocket.OPEN)
          socket.send(JSON.stringify({ op: "unsubscribe", ...topic }));
      };
    },
  };
}

export const live = createLive();

/** Whether the stream is there, and what it told of itself. */
export function useLive(): { state: LiveState; hello: Hello | undefined } {
  const [, redraw] = useState(0);
  useEffect(() => live.watch(() => redraw((count) => count + 1)), []);
  return { state: live.state(), hello: live.hello() };
}
