export interface SchedulesTables {
  schedules: {
    id: string;
    tenantId: string;
    name: string;
    type: string;
    payload: string;
    cron: string;
    timeZone: string;
    misfire: string;
    enabled: boolean;
    priority: number;
    callbackUrl: string | null;
    submittedBy: string;
    principalKind: string;
    role: string;
    nextMs: number | null;
    lastDueMs: number | null;
    lastJobId: string | null;
    lastError: string | null;
    createdMs: number;
    updatedMs: number;
  };
}
