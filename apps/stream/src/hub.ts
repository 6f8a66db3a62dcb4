import { topicKey } from "@tapedeck/features/ticks/contract";
import type { Topic } from "@tapedeck/features/ticks/contract";
import type { Message } from "./encode.ts";

export interface Listener {
  deliver(message: Message): void;
}

/** Numbers what is published, keeps the newest of it, and hands it to who listens. `scope` separates what is one tenant's. */
export interface Hub {
  /** Names this process's numbers: after a restart they begin anew. */
  readonly epoch: string;
  publish(topic: Topic, data: unknown, scope?: string): void;
  /** The last number of the topic. */
  seq(topic: Topic, scope?: string): number;
  /** What came after `seq`; undefined where not all of it is kept, or it has not happened yet. */
  since(topic: Topic, seq: number, scope?: string): readonly Message[] | undefined;
  listen(topic: Topic, listener: Listener, scope?: string): () => void;
  /** Forgets what is kept of a topic that nobody makes any more. */
  drop(topic: Topic, scope?: string): void;
}

interface Channel {
  seq: number;
  ring: Message[];
  /** Where the oldest message is, once the ring is full. */
  head: number;
  listeners: Set<Listener>;
}

/** `ringSize` messages of each topic are kept for clients that come back. */
export function createHub(epoch: string, ringSize: number): Hub {
  const channels = new Map<string, Channel>();
  /** The highest number of a dropped topic: one that is made again goes on above it, so that no old number fits it. */
  let dropped = 0;

  const keyOf = (topic: Topic, scope = "") => `${scope} ${topicKey(topic)}`;

  function channelOf(topic: Topic, scope: string | undefined): Channel {
    const key = keyOf(topic, scope);
    let channel = channels.get(key);
    if (channel === undefined) {
      channel = { seq: dropped, ring: [], head: 0, listeners: new Set() };
      channels.set(key, channel);
    }
    return channel;
  }

  return {
    epoch,
    publish(topic, data, scope) {
      const channel = channelOf(topic, scope);
      const encoded = { json: undefined, msgpack: undefined };
      const message: Message = { seq: ++channel.seq, topic, data, encoded };
      if (channel.ring.length < ringSize) channel.ring.push(message);
      else {
        channel.ring[channel.head] = message;
        channel.head = (channel.head + 1) % ringSize;
      }
      for (const listener of channel.listeners) listener.deliver(message);
    },
    seq: (topic, scope) => channelOf(topic, scope).seq,
    since(topic, seq, scope) {
      const { ring, head, seq: last } = channelOf(topic, scope);
      const missed = last - seq;
      if (missed < 0 || missed > ring.length) return undefined;
      const inOrder = [...ring.slice(head), ...ring.slice(0, head)];
      return missed === 0 ? [] : inOrder.slice(-missed);
    },
    listen(topic, listener, scope) {
      const { listeners } = channelOf(topic, scope);
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    drop(topic, scope) {
      const channel = channels.get(keyOf(topic, scope));
      dropped = Math.max(dropped, channel?.seq ?? 0);
      channels.delete(keyOf(topic, scope));
    },
  };
}
