import type { AuditTables } from "./audit/tables.ts";
import type { AuthTables } from "./auth/tables.ts";
import type { AlertsTables } from "./alerts/tables.ts";
import type { AskTables } from "./ask/tables.ts";
import type { EventsTables } from "./events/tables.ts";
import type { EvidenceTables } from "./evidence/tables.ts";
import type { Kysely, Transaction } from "kysely";
import type { BacktestTables } from "./backtest/tables.ts";
import type { OrdersTables } from "./orders/tables.ts";
import type { IndicatorsTables } from "./indicators/tables.ts";
import type { BatchesTables } from "./batches/tables.ts";
import type { JobsTables } from "./jobs/tables.ts";
import type { KnowledgeTables } from "./knowledge/tables.ts";
import type { NotificationsTables } from "./notifications/tables.ts";
import type { SchedulesTables } from "./schedules/tables.ts";
import type { SentimentTables } from "./sentiment/tables.ts";
import type { SeriesTables } from "./series/tables.ts";
import type { IngestTables } from "./ingest/tables.ts";
import type { TicksTables } from "./ticks/tables.ts";
import type { UploadsTables } from "./uploads/tables.ts";

/** All tables: each feature declares its own in `<feature>/tables.ts`, and they meet here. */
export interface Database
  extends
    EventsTables,
    EvidenceTables,
    SentimentTables,
    AlertsTables,
    AskTables,
    BacktestTables,
    OrdersTables,
    AuditTables,
    AuthTables,
    JobsTables,
    KnowledgeTables,
    BatchesTables,
    IndicatorsTables,
    SchedulesTables,
    SeriesTables,
    IngestTables,
    TicksTables,
    UploadsTables,
    NotificationsTables {}

export type Db = Kysely<Database>;
export type Tx = Transaction<Database>;
