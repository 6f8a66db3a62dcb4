import type { ServerResponse } from "node:http";
import { topicKey, topicOf } from "@tapedeck/features/ticks/contract";
import type { ClientFrame, ServerFrame, Topic } from "@tapedeck/features/ticks/contract";
import { encodeMessage } from "./encode.ts";
import type { Transport } from "./session.ts";

type Resume = Extract<ClientFrame, { op: "subscribe" }>["resume"];

/**
 * Frames as server-sent events: the event's name is the frame's type, its data the frame. The id holds the epoch and the
 * last number of each topic, in their order, so that `Last-Event-ID` resumes all of them.
 */
export function eventTransport(
  response: ServerResponse,
  topics: readonly Topic[],
  resumes: readonly Resume[],
): Transport {
  const keys = topics.map(topicKey);
  const seqs = resumes.map((resume) => resume?.seq);
  let epoch = resumes.find((resume) => resume !== undefined)?.epoch ?? "";

  function write(type: string, data: Buffer | string): void {
    const id = [epoch, ...seqs.map((seq) => seq ?? "-")].join("/");
    response.write(`id: ${id}\nevent: ${type}\ndata: `);
    response.write(data);
    response.write("\n\n");
  }
  function note(topic: Topic, seq: number): void {
    seqs[keys.indexOf(topicKey(topic))] = seq;
  }
  /** Numbers of another epoch stand for nothing in this one; those of rows do. */
  function begin(next: string): void {
    if (next === epoch) return;
    epoch = next;
    for (const [i, { channel }] of topics.entries())
      if (channel !== "jobs" && channel !== "alerts") seqs[i] = undefined;
  }

  return {
    isOpen: () => !response.writableEnded && !response.destroyed,
    unread: () => response.writableLength,
    send(frame: ServerFrame) {
      if (frame.type === "snapshot" || frame.type === "resumed") begin(frame.epoch);
      if (frame.type === "snapshot" || frame.type === "resumed" || frame.type === "delta")
        note(topicOf(frame), frame.seq);
      write(frame.type, JSON.stringify(frame));
    },
    deliver(message) {
      note(message.topic, message.seq);
      write("delta", encodeMessage(message, "json"));
    },
    close(code, reason) {
      write("close", JSON.stringify({ code, reason }));
      response.end();
    },
    terminate: () => response.destroy(),
  };
}

/** Where each topic goes on, of a `Last-Event-ID` that this server wrote; from the beginning for anything else. */
export function resumesOf(id: string | undefined, topics: number): Resume[] {
  const [epoch = "", ...seqs] = (id ?? "").split("/");
  const isOurs = seqs.length === topics && seqs.every((seq) => /^(-|\d{1,15})$/.test(seq));
  return Array.from({ length: topics }, (_, i) =>
    isOurs && seqs[i] !== "-" ? { epoch, seq: Number(seqs[i]) } : undefined,
  );
}
