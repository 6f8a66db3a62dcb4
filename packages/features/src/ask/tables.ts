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
  askTurns: {
    tenantId: string;
    conversationId: string;
    jobId: string;
    atMs: number;
    /** JSON: questions, the one that stands by itself first. */
    chain: string;
  };
}
