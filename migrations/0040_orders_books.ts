import type { Kysely } from "kysely";
import { sql } from "kysely";

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table accounts (
      id uuid primary key,
      tenant_id uuid not null,
      name text not null,
      venue text not null,
      simulated boolean not null,
      currency text not null,
      initial_cash numeric not null check (initial_cash >= 0),
      cash numeric not null,
      fees numeric not null default 0,
      halted boolean not null default false,
      halt_reason text,
      max_order_notional numeric,
      max_position_notional numeric,
      fee_bps numeric not null,
      slippage_bps numeric not null,
      created_ms bigint not null,
      unique (tenant_id, venue, currency, name)
    )`.execute(db);
  await sql`
    create table orders (
      id uuid primary key,
      tenant_id uuid not null,
      account_id uuid not null references accounts (id),
      client_order_id text not null unique,
      venue_order_id text,
      venue text not null,
      simulated boolean not null,
      instrument_id text not null,
      currency text not null,
      side text not null check (side in ('buy', 'sell')),
      type text not null check (type in ('market', 'limit')),
      quantity numeric not null check (quantity > 0),
      limit_price numeric,
      time_in_force text not null,
      reserve_price numeric,
      reference_price numeric not null,
      reference_ms bigint not null,
      status text not null,
      filled_quantity numeric not null default 0,
      average_price numeric,
      reason text,
      created_ms bigint not null,
      sent_ms bigint,
      updated_ms bigint not null,
      submitted_by text not null
    )`.execute(db);
  await sql`create index orders_tenant on orders (tenant_id, id desc)`.execute(db);
  await sql`create index orders_open on orders (updated_ms)
    where status in ('created', 'sending', 'unknown', 'accepted', 'partiallyFilled')`.execute(db);
  await sql`
    create table fills (
      id uuid primary key,
      tenant_id uuid not null,
      account_id uuid not null references accounts (id),
      order_id uuid not null references orders (id),
      venue text not null,
      simulated boolean not null,
      trade_id text not null,
      instrument_id text not null,
      side text not null check (side in ('buy', 'sell')),
      price numeric not null,
      quantity numeric not null check (quantity > 0),
      fee numeric not null,
      currency text not null,
      realised numeric not null,
      event_ms bigint not null,
      recorded_ms bigint not null,
      unique (venue, account_id, trade_id)
    )`.execute(db);
  await sql`create index fills_tenant on fills (tenant_id, id desc)`.execute(db);
  await sql`create index fills_order on fills (order_id)`.execute(db);
  await sql`
    create table positions (
      account_id uuid not null references accounts (id),
      instrument_id text not null,
      quantity numeric not null,
      realised numeric not null,
      updated_ms bigint not null,
      primary key (account_id, instrument_id)
    )`.execute(db);
  await sql`
    create table lots (
      account_id uuid not null,
      instrument_id text not null,
      fill_id uuid not null references fills (id),
      opened_ms bigint not null,
      sequence bigint generated always as identity,
      quantity numeric not null check (quantity <> 0),
      price numeric not null,
      cost numeric not null,
      primary key (account_id, instrument_id, fill_id)
    )`.execute(db);
}
