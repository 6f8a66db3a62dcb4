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
}

export interface TicksTables {
  streamRuns: StreamRunsTable;
}
