export interface AskTables {
  askCompletions: {
    jobId: string;
    tenantId: string;
    /** The round of the job: 0, 1, 2 … */
    ordinal: number;
    /** Of the model's name, messages and tools. */
    requestHash: string;
    model: string;
    /** JSON of the completion. */
    response: string;
    createdMs: number;
  };
  askStanding: {
    id: string;
    tenantId: string;
    name: string;
    /** JSON of the question's payload. */
    payload: string;
    scheduleId: string;
    callbackUrl: string | null;
    /** JSON; null: every channel of the tenant. */
    channelIds: unknown;
    createdBy: string;
    createdMs: number;
    lastJobId: string | null;
    lastStatus: string | null;
    checkedMs: number | null;
    changedMs: number | null;
    /** Of the last answer's sentences. */
    answerHash: string | null;
    /** Of what the last answer rests on. */
    evidenceHash: string | null;
  };
  askStandingChanges: {
    standingId: string;
    jobId: string;
    tenantId: string;
    atMs: number;
    changed: "answer" | "evidence";
    answer: string;
  };
  askFeedback: {
    tenantId: string;
    jobId: string;
    useful: boolean;
    note: string;
    givenBy: string;
    atMs: number;
  };
  askTurns: {
    tenantId: string;
    conversationId: string;
    jobId: string;
    atMs: number;
    /** JSON: questions, the one that stands by itself first. */
    chain: string;
  };
}
