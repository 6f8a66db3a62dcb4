import type { Generated } from "kysely";

export interface AlertsTables {
  alerts: {
    id: string;
    tenantId: string;
    name: string;
    instrumentId: string;
    rule: unknown;
    cooldownMs: number;
    expiresMs: number | null;
    callbackUrl: string | null;
    /** JSON; null: every channel of the tenant. */
    channelIds: unknown;
    muted: boolean;
    createdBy: string;
    createdMs: number;
    deletedMs: number | null;
    /** May it fire at its next edge? */
    armed: boolean;
    /** Event time of the last change of `armed`: what is not later has been looked at. */
    stateMs: number;
    firedMs: number | null;
    /** Raised with each change that its evaluation must know. */
    change: Generated<number>;
  };
  /** Up to where alerts on news have looked: a row of each source. */
  alertPlaces: { source: string; seq: number };
  alertTriggers: {
    /** Numbers of all tenants; those of one rise. */
    seq: Generated<number>;
    id: string;
    alertId: string;
    tenantId: string;
    edgeMs: number;
    value: number | null;
    message: string;
    test: boolean;
    createdMs: number;
  };
}
