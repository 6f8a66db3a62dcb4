import { sql } from "kysely";
import type { Kysely } from "kysely";

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table tenants (
      id uuid primary key,
      name text not null unique,
      operating boolean not null default false,
      created_ms bigint not null,
      disabled_ms bigint
    )`.execute(db);
  await sql`create unique index tenants_one_operating on tenants (operating) where operating`.execute(db);
  await sql`
    create table users (
      id uuid primary key,
      tenant_id uuid not null references tenants (id),
      email text not null unique,
      name text not null,
      role text not null check (role in ('viewer', 'analyst', 'trader', 'operator', 'admin')),
      password_hash text not null,
      created_ms bigint not null,
      disabled_ms bigint
    )`.execute(db);
  await sql`create index users_tenant on users (tenant_id, id desc)`.execute(db);
  await sql`
    create table api_keys (
      id uuid primary key,
      tenant_id uuid not null references tenants (id),
      name text not null,
      prefix text not null,
      hash text not null unique,
      role text not null check (role in ('viewer', 'analyst', 'trader', 'operator', 'admin')),
      created_by text not null,
      bootstrap boolean not null default false,
      created_ms bigint not null,
      expires_ms bigint,
      last_used_ms bigint,
      revoked_ms bigint
    )`.execute(db);
  await sql`create index api_keys_tenant on api_keys (tenant_id, id desc)`.execute(db);
  await sql`
    create table sessions (
      id uuid primary key,
      tenant_id uuid not null references tenants (id),
      user_id uuid references users (id),
      key_id uuid references api_keys (id),
      kind text not null check (kind in ('token', 'cookie')),
      secret_hash text unique,
      user_agent text,
      address text,
      created_ms bigint not null,
      expires_ms bigint not null,
      revoked_ms bigint,
      check (num_nonnulls(user_id, key_id) = 1)
    )`.execute(db);
  await sql`create index sessions_user on sessions (user_id) where revoked_ms is null`.execute(db);
  await sql`create index sessions_key on sessions (key_id) where revoked_ms is null`.execute(db);
  await sql`create index sessions_expiry on sessions (expires_ms)`.execute(db);
  await sql`
    create table refresh_tokens (
      hash text primary key,
      session_id uuid not null references sessions (id) on delete cascade,
      created_ms bigint not null,
      expires_ms bigint not null,
      used_ms bigint
    )`.execute(db);
  await sql`create index refresh_tokens_session on refresh_tokens (session_id)`.execute(db);
  await sql`
    create table sign_in_links (
      hash text primary key,
      tenant_id uuid not null references tenants (id),
      user_id uuid references users (id),
      key_id uuid references api_keys (id),
      expires_ms bigint not null,
      used_ms bigint
    )`.execute(db);
  // Unlogged: losing the buckets in a crash only fills them again.
  await sql`
    create unlogged table rate_buckets (
      key text primary key,
      tokens double precision not null,
      granted double precision not null,
      updated_ms double precision not null
    )`.execute(db);
}
