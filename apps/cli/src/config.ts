import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { readEnvironment } from "@tapedeck/platform/config/index";

export interface CliConfig {
  /** Project root. */
  root: string;
  version: string;
  /** Absolute. */
  dir: string;
  host: string;
  port: number;
  portExplicit: boolean;
  streamPort: number;
  streamPortExplicit: boolean;
  url: string | undefined;
  apiKey: string | undefined;
  databaseUrl: string | undefined;
  /** Handed on to the services. */
  environment: NodeJS.ProcessEnv;
  now(): number;
}

const root = resolve(import.meta.dirname, "../../..");

export function readConfig(env: NodeJS.ProcessEnv): CliConfig {
  const read = readEnvironment(env);
  const manifest = JSON.parse(readFileSync(resolve(root, "package.json"), "utf8")) as { version: string };
  return {
    root,
    version: manifest.version,
    dir: resolve(root, read.TAPEDECK_DIR),
    host: read.HOST,
    port: read.PORT,
    portExplicit: env["PORT"] !== undefined && env["PORT"] !== "",
    streamPort: read.STREAM_PORT,
    streamPortExplicit: env["STREAM_PORT"] !== undefined && env["STREAM_PORT"] !== "",
    url: read.TAPEDECK_URL,
    apiKey: read.TAPEDECK_API_KEY,
    databaseUrl: read.DATABASE_URL,
    environment: env,
    now: Date.now,
  };
}
