export interface BatchesTables {
  batches: {
    id: string;
    tenantId: string;
    label: string | null;
    total: number;
    completed: number;
    failed: number;
    cancelled: number;
    afterwardsJobId: string | null;
    callbackUrl: string | null;
    idempotencyKey: string | null;
    bodyHash: string | null;
    submittedBy: string;
    createdMs: number;
    endedMs: number | null;
  };
}
