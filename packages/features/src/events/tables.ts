import type { EventDirection, EventKind } from "@tapedeck/text/events/kinds";
import type { Generated } from "kysely";

export interface EventsTables {
  documentReadings: { documentId: string; version: number; readMs: number; jobId: string };
  /** Instruments that the documents read before them have been searched for. */
  sweptInstruments: { space: string; instrumentId: string; sweptMs: number };
  events: {
    seq: Generated<number>;
    id: string;
    storyId: string;
    space: string;
    kind: EventKind;
    instrumentId: string | null;
    direction: EventDirection;
    score: number;
    important: boolean;
    expected: boolean;
    text: string;
    documentId: string;
    version: number;
    spanStart: number;
    spanEnd: number;
    publishedMs: number;
    atMs: number | null;
    recordedMs: number;
  };
}
