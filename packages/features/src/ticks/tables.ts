import type { Generated } from "kysely";
import type { QualityKind } from "./contract.ts";

/** One life of a stream process: what the rows that it stored name as their origin. */
export interface StreamRunsTable {
  id: string;
  venue: string;
  simulated: boolean;
  /** Null where nothing is drawn at random. */
  seed: number | null;
  codeVersion: string;
  startedMs: number;
  heartbeatMs: number;
  stoppedMs: number | null;
  /** How the venue's connection does, as of the heartbeat; null where there is none. */
  feed: unknown;
  /** Instruments whose ticks it takes, as of the heartbeat. */
  instruments: Generated<number>;
  /** Where other processes of the venue reach its stream; null before it listens. */
  address: Generated<string | null>;
}

export interface TicksTables {
  streamRuns: StreamRunsTable;
  /** Who takes an instrument's ticks, and what is known of it as of what is stored. */
  streamPlaces: {
    venue: string;
    instrumentId: string;
    /** Of a venue with a history. */
    place: unknown;
    bars: unknown;
    /** The last run that took it. */
    runId: string | null;
    /** By the server's clock; 0: nobody holds it. */
    untilMs: number;
  };
  streamGaps: {
    venue: string;
    instrumentId: string;
    fromId: number;
    toId: number;
    state: "open" | "healed" | "lost";
    foundMs: number;
    closedMs: number | null;
  };
  streamFindings: {
    venue: string;
    instrumentId: string;
    kind: QualityKind;
    fromMs: number;
    toMs: number | null;
    detail: string;
  };
  /** What requests of the last minute weighed, of all processes. */
  venueSpending: { venue: string; atMs: number; weight: number };
  /** As last told before each settlement. */
  fundingRates: {
    venue: string;
    instrumentId: string;
    fundingMs: number;
    rate: number;
    markPrice: number;
    eventMs: number;
  };
}
