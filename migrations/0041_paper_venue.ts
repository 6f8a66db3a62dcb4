import type { Kysely } from "kysely";
import { sql } from "kysely";

/** The paper venue's own books: what a real venue would keep on its side. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table paper_orders (
      venue_order_id uuid primary key,
      account_id uuid not null,
      tenant_id uuid not null,
      client_order_id text not null unique,
      instrument_id text not null,
      side text not null,
      type text not null,
      quantity numeric not null,
      limit_price numeric,
      time_in_force text not null,
      filled_quantity numeric not null default 0,
      status text not null,
      reason text,
      accepted_ms bigint not null,
      matched_to_ms bigint not null
    )`.execute(db);
  await sql`create index paper_orders_open on paper_orders (account_id, venue_order_id)
    where status in ('accepted', 'partiallyFilled')`.execute(db);
  await sql`
    create table paper_fills (
      trade_id text primary key,
      venue_order_id uuid not null references paper_orders (venue_order_id),
      price numeric not null,
      quantity numeric not null,
      fee numeric not null,
      fee_currency text not null,
      event_ms bigint not null
    )`.execute(db);
  await sql`create index paper_fills_order on paper_fills (venue_order_id)`.execute(db);
  await sql`
    create table paper_volume_used (
      account_id uuid not null,
      instrument_id text not null,
      timeframe text not null,
      open_ms bigint not null,
      quantity numeric not null,
      primary key (account_id, instrument_id, timeframe, open_ms)
    )`.execute(db);
}
