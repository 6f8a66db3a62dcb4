import { topicKey } from "@tapedeck/features/ticks/contract";
import type { ServerFrame, Topic } from "@tapedeck/features/ticks/contract";

/** A message of a topic as it is sent. */
export interface Message {
  seq: number;
  text: string;
}

export interface Listener {
  deliver(message: Message): void;
}

/** Numbers what is published, keeps the newest of it, and hands it to who listens. */
export interface Hub {
  /** Names this process's numbers: after a restart they begin anew. */
  readonly epoch: string;
  publish(topic: Topic, data: unknown): void;
  /** The last number of the topic. */
  seq(topic: Topic): number;
  /** What came after `seq`; undefined where not all of it is kept, or it has not happened yet. */
  since(topic: Topic, seq: number): readonly Message[] | undefined;
  listen(topic: Topic, listener: Listener): () => void;
}

interface Channel {
  seq: number;
  ring: Message[];
  /** Where the oldest message is, once the ring is full. */
  head: number;
  listeners: Set<Listener>;
}

export function frameText(frame: ServerFrame): string {
  return JSON.stringify(frame);
}

/** `ringSize` messages of each topic are kept for clients that come back. */
export function createHub(epoch: string, ringSize: number): Hub {
  const channels = new Map<string, Channel>();

  function channelOf(topic: Topic): Channel {
    const key = topicKey(topic);
    let channel = channels.get(key);
    if (channel === undefined) {
      channel = { seq: 0, ring: [], head: 0, listeners: new Set() };
      channels.set(key, channel);
    }
    return channel;
  }

  return {
    epoch,
    publish(topic, data) {
      const channel = channelOf(topic);
      const seq = ++channel.seq;
      const message = { seq, text: frameText({ type: "delta", ...topic, seq, data }) };
      if (channel.ring.length < ringSize) channel.ring.push(message);
      else {
        channel.ring[channel.head] = message;
        channel.head = (channel.head + 1) % ringSize;
      }
      for (const listener of channel.listeners) listener.deliver(message);
    },
    seq: (topic) => channelOf(topic).seq,
    since(topic, seq) {
      const { ring, head, seq: last } = channelOf(topic);
      const missed = last - seq;
      if (missed < 0 || missed > ring.length) return undefined;
      const inOrder = [...ring.slice(head), ...ring.slice(0, head)];
      return missed === 0 ? [] : inOrder.slice(-missed);
    },
    listen(topic, listener) {
      const { listeners } = channelOf(topic);
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
