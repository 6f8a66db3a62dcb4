export interface NotificationsTables {
  notifications: {
    id: string;
    tenantId: string;
    dedupeKey: string;
    url: string;
    body: string;
    state: string;
    attempts: number;
    nextMs: number;
    lastError: string | null;
    createdMs: number;
    deliveredMs: number | null;
  };
  callbackSecrets: { tenantId: string; secret: string; createdMs: number };
}
