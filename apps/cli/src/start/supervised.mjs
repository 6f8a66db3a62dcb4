// Loaded into each service before its own code: when the supervisor is gone (kill -9), the service stops in order,
// as after SIGTERM, so that nothing is left running that nobody looks after.
import { isMainThread } from "node:worker_threads";

if (isMainThread) {
  const stop = () => process.kill(process.pid, "SIGTERM");
  process.stdin.on("end", stop).on("error", stop).resume();
  process.stdin.unref?.();
  // The supervisor also read what is printed here.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
}
