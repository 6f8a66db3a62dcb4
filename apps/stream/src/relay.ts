import { AppError, errorCodes } from "@tapedeck/core";
import type { ErrorCode, Log } from "@tapedeck/core";
import type { Credential } from "@tapedeck/features/auth/contract";
import { sessionCookie } from "@tapedeck/features/auth/read";
import { topicKey, topicOf } from "@tapedeck/features/ticks/contract";
import type { ClientFrame, MarketTopic, ServerFrame } from "@tapedeck/features/ticks/contract";
import { WebSocket } from "ws";
import type { RawData } from "ws";

/** Whose topics are followed: a client's, or those of this process itself by the key that all have. */
export type RelayCredential = Credential | { kind: "process"; token: string };

type Resume = Extract<ClientFrame, { op: "subscribe" }>["resume"];

/** The header by which a process knows another one, which it hands nothing on to: no frame goes round in circles. */
export const relayHeader = "x-tapedeck-relay";

export interface RelayFollower {
  /** Snapshots, resumptions and deltas, as the other process sent them. */
  frame(frame: Extract<ServerFrame, { seq: number }>): void;
  /** It does not come from there any more; the error where the other process said why. */
  lost(error: AppError | undefined): void;
}

/** A client's way, or a process's own, to what other processes of the venue publish. */
export interface Relay {
  /** Follows a topic at the process of an address until what it gives is called. */
  follow(address: string, topic: MarketTopic, resume: Resume, follower: RelayFollower): () => void;
  /** Reads nothing while the client is slow: the others then hold back what it misses, as from any client. */
  setPaused(paused: boolean): void;
  stop(): void;
}

interface Followed {
  topic: MarketTopic;
  resume: Resume;
  follower: RelayFollower;
}

interface Link {
  socket: WebSocket;
  followed: Map<string, Followed>;
}

const handshakeMs = 5_000;

function headersOf(credential: RelayCredential, address: string): Record<string, string> {
  if (credential.kind === "process") return { [relayHeader]: credential.token };
  const own = { [relayHeader]: "1" };
  if (credential.kind === "cookie")
    return {
      ...own,
      cookie: `${sessionCookie}=${credential.secret}`,
      origin: `http://${new URL(address).host}`,
    };
  return {
    ...own,
    authorization: `Bearer ${credential.kind === "access" ? credential.token : credential.secret}`,
  };
}

/** Connects to each process that holds something the client follows, once, with the client's own credentials or the process's. */
export function createRelay(credential: RelayCredential, log: Log): Relay {
  const links = new Map<string, Link>();
  let paused = false;

  function read(link: Link, data: RawData): void {
    const frame = JSON.parse((data as Buffer).toString()) as ServerFrame;
    if (frame.type === "error") {
      const key = frame.topic === undefined ? undefined : topicKey(frame.topic);
      const refused = key === undefined ? undefined : link.followed.get(key);
      if (key === undefined || refused === undefined) return;
      link.followed.delete(key);
      refused.follower.lost(
        new AppError(frame.code in errorCodes ? (frame.code as ErrorCode) : "internal", frame.message),
      );
    } else if ("seq" in frame) link.followed.get(topicKey(topicOf(frame)))?.follower.frame(frame);
  }

  function open(address: string): Link {
    const socket = new WebSocket(`${address}/ws`, {
      headers: headersOf(credential, address),
      handshakeTimeout: handshakeMs,
      perMessageDeflate: false,
    });
    const link: Link = { socket, followed: new Map() };
    links.set(address, link);
    socket.on("open", () => {
      if (paused) socket.pause();
      for (const one of link.followed.values()) subscribe(link, one);
    });
    socket.on("message", (data) => {
      try {
        read(link, data);
      } catch (error) {
        log.warn({ err: error, address }, "what answers there is no process of the stream");
        socket.terminate();
      }
    });
    socket.on("error", (error) =>
      log.debug({ err: error, address }, "another process of the stream is not reached"),
    );
    socket.on("close", () => {
      if (links.get(address) === link) links.delete(address);
      const left = [...link.followed.values()];
      link.followed.clear();
      for (const { follower } of left) follower.lost(undefined);
    });
    return link;
  }

  function subscribe({ socket }: Link, { topic, resume }: Followed): void {
    socket.send(JSON.stringify({ op: "subscribe", ...topic, ...(resume === undefined ? {} : { resume }) }));
  }

  return {
    follow(address, topic, resume, follower) {
      const link = links.get(address) ?? open(address);
      const key = topicKey(topic);
      const followed = { topic, resume, follower };
      link.followed.set(key, followed);
      if (link.socket.readyState === WebSocket.OPEN) subscribe(link, followed);
      return () => {
        if (!link.followed.delete(key)) return;
        if (link.followed.size === 0) {
          if (links.get(address) === link) links.delete(address);
          link.socket.terminate();
        } else if (link.socket.readyState === WebSocket.OPEN)
          link.socket.send(JSON.stringify({ op: "unsubscribe", ...topic }));
      };
    },
    setPaused(next) {
      if (next === paused) return;
      paused = next;
      for (const { socket } of links.values())
        if (socket.readyState === WebSocket.OPEN) socket[paused ? "pause" : "resume"]();
    },
    stop() {
      for (const { socket, followed } of links.values()) {
        followed.clear();
        socket.terminate();
      }
      links.clear();
    },
  };
}
