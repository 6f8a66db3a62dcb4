import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createClient } from "@tapedeck/client";
import type { Client } from "@tapedeck/client";
import { AppError } from "@tapedeck/core";
import { readRun } from "./home.ts";

export interface Connection {
  /** --url, else TAPEDECK_URL, else the running one of TAPEDECK_DIR. */
  url?: string | undefined;
  /** --key, else TAPEDECK_API_KEY, else the key that `tapedeck start` wrote. */
  key?: string | undefined;
  dir: string;
}

/** Address of the API; the dashboard is served there too. */
export function apiUrl(connection: Connection): string {
  const url = connection.url ?? readRun(connection.dir)?.apiUrl;
  if (url !== undefined) return url;
  throw new AppError(
    "service.unavailable",
    `no Tapedeck runs in ${connection.dir}; start one with: npm start (or give --url and --key of another)`,
  );
}

/** Where the services that answer at this connection write their logs; undefined for those of another machine. */
export function localLogs(connection: Pick<Connection, "dir" | "url">): string | undefined {
  const run = readRun(connection.dir);
  return run !== undefined && (connection.url ?? run.apiUrl) === run.apiUrl
    ? join(connection.dir, "logs")
    : undefined;
}

export function connect(connection: Connection): Client {
  const baseUrl = apiUrl(connection);
  const token = connection.key ?? readKey(connection.dir);
  if (token === undefined) {
    throw new AppError("auth.required", "no API key; give --key or set TAPEDECK_API_KEY");
  }
  return createClient({ baseUrl, token });
}

export function readKey(dir: string): string | undefined {
  try {
    return readFileSync(join(dir, "api-key"), "utf8").trim();
  } catch {
    return undefined;
  }
}
