import { toAppError } from "@tapedeck/core";
import { readConfig } from "./config.ts";

/** Entry of the stream program. What is wrong with the configuration is said before anything large is loaded. */
async function main(): Promise<void> {
  const config = readConfig(process.env);
  const { runStream } = await import("./run.ts");
  await runStream(config, { now: () => Date.now(), random: Math.random });
}

main().catch((error: unknown) => {
  const known = toAppError(error);
  const detail = known.code === "internal" ? String((known.cause as Error).stack) : known.message;
  process.stderr.write(`tapedeck stream: ${detail}\n`);
  process.exit(1);
});
