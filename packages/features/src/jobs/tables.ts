/** Tables of jobs; JSON columns are text. */
export interface JobsTable {
  id: string;
  tenantId: string;
  type: string;
  queue: string;
  version: number;
  state: string;
  priority: number;
  rank: number;
  held: boolean;
  payload: string;
  progress: string | null;
  result: string | null;
  error: string | null;
  idempotencyKey: string | null;
  bodyHash: string | null;
  submittedBy: string;
  parentId: string | null;
  scheduleId: string | null;
  seed: number;
  callbackUrl: string | null;
  traceParent: string | null;
  maxAttempts: number;
  failures: number;
  attempt: number;
  pickups: number;
  unended: number;
  workerId: string | null;
  /** Code that ran it last. */
  codeVersion: string | null;
  contentKey: string | null;
  reusedFrom: string | null;
  replayOf: string | null;
  eventSeq: number;
  createdMs: number;
  runAtMs: number | null;
  queuedMs: number | null;
  startedMs: number | null;
  cancelRequestedMs: number | null;
  endedMs: number | null;
}

export interface JobEventsTable {
  jobId: string;
  seq: number;
  event: string;
  atMs: number;
  data: string;
}

/** What a job read: lineage. */
export interface JobInputsTable {
  jobId: string;
  kind: string;
  ref: string;
  label: string;
  details: string | null;
}

/** Transactions of a job that are done once in its life, with what they returned. */
export interface JobCommitsTable {
  jobId: string;
  name: string;
  value: string;
}

export interface WorkersTable {
  id: string;
  host: string;
  pid: number;
  queues: string[];
  concurrency: number;
  threads: number;
  startedMs: number;
  heartbeatMs: number;
  running: number;
  stoppedMs: number | null;
}

export interface JobsTables {
  jobs: JobsTable;
  jobEvents: JobEventsTable;
  jobInputs: JobInputsTable;
  jobCommits: JobCommitsTable;
  workers: WorkersTable;
}
