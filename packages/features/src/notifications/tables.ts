import type { Generated } from "kysely";

export interface NotificationsTables {
  notifications: {
    id: string;
    tenantId: string;
    dedupeKey: string;
    /** Of a callback; null for a channel's. */
    url: string | null;
    channelId: string | null;
    body: string;
    state: string;
    attempts: number;
    nextMs: number;
    lastError: string | null;
    createdMs: number;
    deliveredMs: number | null;
  };
  notificationChannels: {
    id: string;
    tenantId: string;
    name: string;
    /** JSON of `ChannelSettings`. */
    settings: string;
    createdBy: string;
    createdMs: number;
  };
  /** At most one row. P-256, base64url: the point, and the scalar. */
  pushKeys: { single: Generated<boolean>; publicKey: string; privateKey: string; createdMs: number };
  callbackSecrets: { tenantId: string; secret: string; createdMs: number };
}
