/** One life of a stream process: what the rows that it stored name as their origin. */
export interface StreamRunsTable {
  id: string;
  venue: string;
  simulated: boolean;
  /** Null where nothing is drawn at random. */
  seed: number | null;
  codeVersion: string;
  startedMs: number;
  /** One that is silent for long has lost the venue to whoever starts next. */
  heartbeatMs: number;
  stoppedMs: number | null;
  /** How the venue's connection does, as of the heartbeat; null where there is none. */
  feed: unknown;
}

export interface TicksTables {
  streamRuns: StreamRunsTable;
  /** What is known of each instrument's trades at a venue with a history, as of what is stored. */
  streamPlaces: { venue: string; instrumentId: string; place: unknown };
  streamGaps: {
    venue: string;
    instrumentId: string;
    fromId: number;
    toId: number;
    state: "open" | "healed" | "lost";
    foundMs: number;
    closedMs: number | null;
  };
}
