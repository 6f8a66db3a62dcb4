import { toAppError } from "@tapedeck/core";
import { readConfig } from "./config.ts";

/** Entry of the worker program. What is wrong with the configuration is said before anything large is loaded. */
async function main(): Promise<void> {
  const config = readConfig(process.argv.slice(2), process.env);
  const { runWorker } = await import("./run.ts");
  await runWorker(config);
}

main().catch((error: unknown) => {
  const known = toAppError(error);
  const detail = known.code === "internal" ? String((known.cause as Error).stack) : known.message;
  process.stderr.write(`tapedeck workers: ${detail}\n`);
  process.exit(1);
});
