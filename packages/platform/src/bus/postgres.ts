import type { Log } from "@tapedeck/core";
import type pg from "pg";
import { watchedClient } from "../postgres/client.ts";
import { backoffMs, heartbeatMs, silenceMs } from "./wire.ts";
import type { BusWire } from "./wire.ts";

const channel = "tapedeck_bus";
const Client = watchedClient(silenceMs);

/**
 * LISTEN and NOTIFY on one connection of its own, never inside a transaction that writes rows: commits that notify
 * are serialised by the server.
 */
export function createPostgresWire(url: string, deliver: (message: string) => void, log: Log): BusWire {
  let client: pg.Client | undefined;
  let closed = false;
  let attempt = 0;
  let timer: NodeJS.Timeout | undefined;

  function again(): void {
    if (closed) return;
    timer = setTimeout(() => void open(), backoffMs(attempt++));
  }

  async function open(): Promise<void> {
    const made = new Client({
      connectionString: url,
      application_name: "tapedeck bus",
      connectionTimeoutMillis: silenceMs,
      keepAlive: true,
    });
    let over = false;
    const lost = (error?: Error) => {
      if (over) return;
      over = true;
      if (client === made) client = undefined;
      if (!closed) log.debug({ error: error?.message ?? "ended" }, "the bus connection was lost");
      void made.end().catch(() => undefined);
      again();
    };
    made.on("error", lost);
    made.on("end", () => lost());
    made.on("notification", ({ payload }) => {
      if (payload !== undefined) deliver(payload);
    });
    try {
      await made.connect();
      await made.query(`listen ${channel}`);
    } catch (error) {
      lost(error as Error);
      return;
    }
    if (closed) {
      await made.end().catch(() => undefined);
      return;
    }
    client = made;
    attempt = 0;
  }

  const pulse = setInterval(() => {
    client?.query("select 1").catch(() => undefined);
  }, heartbeatMs);
  pulse.unref();
  const opened = open();

  return {
    async send(messages) {
      if (client === undefined) await opened;
      if (client === undefined) throw new Error("the bus is not connected");
      await client.query("select pg_notify($1, message) from unnest($2::text[]) as message", [
        channel,
        messages,
      ]);
    },
    async close() {
      closed = true;
      clearInterval(pulse);
      clearTimeout(timer);
      await client?.end().catch(() => undefined);
    },
  };
}
