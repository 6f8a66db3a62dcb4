/** Peer of `submit`: Hono with zod and one INSERT a request, nothing else. Run by that bench as a process of its own. */
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import pg from "pg";
import * as z from "zod";

const payload = z.strictObject({ instrumentId: z.string(), formulas: z.array(z.string()) });
const pool = new pg.Pool({ connectionString: process.env["DATABASE_URL"], max: 10 });
await pool.query(
  "create table if not exists floor (id uuid primary key, payload jsonb not null, at timestamptz not null)",
);

const app = new Hono();
app.post("/jobs", async (c) => {
  const body = payload.parse(await c.req.json());
  const id = crypto.randomUUID();
  await pool.query({
    name: "insert",
    text: "insert into floor (id, payload, at) values ($1, $2, now())",
    values: [id, JSON.stringify(body)],
  });
  return c.json({ id }, 202);
});

serve({ fetch: app.fetch, port: Number(process.env["PORT"]), hostname: "127.0.0.1" }, () =>
  console.log("listening"),
);
