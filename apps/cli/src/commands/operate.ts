import { spawn } from "node:child_process";
import { resolve } from "node:path";
import type { Command } from "commander";
import { AppError } from "@tapedeck/core";
import type { CliConfig } from "../config.ts";
import { readRun } from "../home.ts";
import { table } from "../output.ts";
import { ago, clientOf, printJson, withConnection } from "./shared.ts";
import type { Cli, ConnectionFlags } from "./shared.ts";

function databaseUrl(config: CliConfig): string {
  const url = config.databaseUrl ?? readRun(config.dir)?.databaseUrl;
  if (url === undefined) {
    throw new AppError(
      "config.invalid",
      `no database: set DATABASE_URL, or start Tapedeck in ${config.dir} first (npm start)`,
    );
  }
  return url;
}

export function operateCommands(program: Command, cli: Cli, config: CliConfig): void {
  program
    .command("migrate")
    .description("bring the database to the newest schema")
    .action(async () => {
      const { migrateToLatest } = await import("@tapedeck/platform/postgres/index");
      const ran = await migrateToLatest(databaseUrl(config), resolve(config.root, "migrations"));
      cli.out.print(ran.length === 0 ? "nothing to do" : ran.join("\n"));
    });

  withConnection(program.command("link"))
    .description("print an address that signs a browser in to the dashboard, once, within ten minutes")
    .action(async (flags: ConnectionFlags) => {
      const link = await clientOf(cli, flags).call("createSignInLink", {});
      if (flags.json === true) printJson(cli, link);
      else cli.out.print(link.url);
    });

  const workers = program.command("workers").description("worker processes: list them, or run one more");

  withConnection(workers.command("list", { isDefault: true }))
    .description("list worker processes")
    .action(async (flags: ConnectionFlags) => {
      const found = await clientOf(cli, flags).call("listWorkers", {});
      if (flags.json === true) return printJson(cli, found);
      const rows = found.items.map((worker) => [
        worker.id,
        worker.queues.join(","),
        String(worker.running),
        ago(worker.heartbeatMs, config.now()),
        worker.alive ? "alive" : "gone",
      ]);
      cli.out.print(
        rows.length === 0 ? "no workers" : table(["id", "queues", "running", "seen", "state"], rows),
      );
    });

  workers
    .command("run")
    .option("--queues <names>", "comma-separated; default all")
    .option("--concurrency <n>", "jobs at once a queue")
    .option("--threads <n>", "worker threads for computing jobs")
    .description("run a worker process here until ^C")
    .action(async (flags: Record<string, string>) => {
      const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
      const child = spawn(process.execPath, [resolve(config.root, "apps/workers/src/main.ts"), ...args], {
        stdio: "inherit",
        env: { ...config.environment, DATABASE_URL: databaseUrl(config), TAPEDECK_DIR: config.dir },
      });
      cli.signal.addEventListener("abort", () => child.kill("SIGTERM"));
      cli.exit(await new Promise<number>((done) => child.on("exit", (code) => done(code ?? 1))));
    });
}
