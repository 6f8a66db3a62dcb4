import { sql } from "kysely";
import type { Kysely } from "kysely";

/** First years of the partitions of bars and trades, by openMs and eventMs. */
const partitionYears = [1990, 2000, 2005, 2010, 2015, 2020, 2025, 2030, 2035];

async function partitionByYears(db: Kysely<unknown>, table: string): Promise<void> {
  const bounds = partitionYears.map((year) => String(Date.UTC(year, 0, 1)));
  for (let i = 0; i <= bounds.length; i++) {
    const name = i === 0 ? `${table}_before_${partitionYears[0]}` : `${table}_from_${partitionYears[i - 1]}`;
    const from = i === 0 ? "minvalue" : bounds[i - 1]!;
    const to = i === bounds.length ? "maxvalue" : bounds[i]!;
    await sql`create table ${sql.id(name)} partition of ${sql.id(table)}
      for values from (${sql.raw(from)}) to (${sql.raw(to)})`.execute(db);
  }
}

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table instruments (
    space text not null,
    instrument_id text not null,
    symbol text not null,
    venue text not null,
    name text not null,
    asset_class text not null,
    currency text not null,
    calendar text not null,
    tick_size numeric,
    lot_size numeric,
    min_notional numeric,
    actions_version int8 not null default 0,
    actions_max_ms int8,
    created_ms int8 not null,
    job_id uuid,
    primary key (space, instrument_id)
  )`.execute(db);
  await sql`create index instruments_symbol on instruments (space, symbol)`.execute(db);

  // kind: bars or trades. data_version rises with every commit that changed rows.
  await sql`create table series (
    series_id int8 generated always as identity primary key,
    space text not null,
    instrument_id text not null,
    kind text not null,
    timeframe text not null,
    rows int8 not null default 0,
    from_ms int8,
    to_ms int8,
    max_visible_ms int8,
    revised boolean not null default false,
    data_version int8 not null default 0,
    job_id uuid,
    unique (space, instrument_id, kind, timeframe),
    foreign key (space, instrument_id) references instruments
  )`.execute(db);

  // visible_ms: closeMs of a first revision, the time of recording of a later one.
  await sql`create table bars (
    series_id int8 not null,
    open_ms int8 not null,
    revision int4 not null,
    close_ms int8 not null,
    open float8 not null,
    high float8 not null,
    low float8 not null,
    close float8 not null,
    volume float8,
    visible_ms int8 not null,
    recorded_ms int8 not null,
    job_id uuid not null,
    primary key (series_id, open_ms, revision)
  ) partition by range (open_ms)`.execute(db);
  await partitionByYears(db, "bars");

  // ordinal: place among the prints of one millisecond, in the source's order.
  await sql`create table trades (
    series_id int8 not null,
    event_ms int8 not null,
    ordinal int4 not null,
    revision int4 not null,
    price float8 not null,
    size float8 not null,
    venue text,
    visible_ms int8 not null,
    recorded_ms int8 not null,
    job_id uuid not null,
    primary key (series_id, event_ms, ordinal, revision)
  ) partition by range (event_ms)`.execute(db);
  await partitionByYears(db, "trades");

  // kind: split (ratio = new shares for one old), dividend (amount a share), factor (price_ratio and split_ratio
  // by which everything before ex_ms is multiplied).
  await sql`create table corporate_actions (
    space text not null,
    instrument_id text not null,
    ex_ms int8 not null,
    kind text not null,
    revision int4 not null,
    ratio float8,
    amount float8,
    currency text,
    price_ratio float8,
    split_ratio float8,
    visible_ms int8 not null,
    recorded_ms int8 not null,
    job_id uuid not null,
    primary key (space, instrument_id, ex_ms, kind, revision),
    foreign key (space, instrument_id) references instruments
  )`.execute(db);

  await sql`create table datasets (
    hash text primary key,
    space text not null,
    instrument_id text not null,
    timeframe text not null,
    adjustment text not null,
    as_of_ms int8 not null,
    bars int8 not null,
    from_ms int8 not null,
    to_ms int8 not null,
    instrument text not null,
    created_ms int8 not null
  )`.execute(db);

  // Which dataset a request means as long as nothing changed.
  await sql`create table dataset_index (
    series_id int8 not null references series,
    adjustment text not null,
    from_ms int8 not null,
    to_ms int8 not null,
    as_of_ms int8 not null,
    data_version int8 not null,
    actions_version int8 not null,
    hash text not null references datasets,
    primary key (series_id, adjustment, from_ms, to_ms, as_of_ms)
  )`.execute(db);
}
