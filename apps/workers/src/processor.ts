import { parentPort, workerData } from "node:worker_threads";
import type { Bus } from "@tapedeck/core";
import { createLog } from "@tapedeck/platform/log/index";
import type { WorkerConfig } from "./config.ts";
import { wire } from "./deps.ts";
import { loadJobTypes } from "./extra.ts";
import { serveThread } from "./thread.ts";

/** Entry of a worker thread: the same handlers and dependencies as the main thread, with a small pool of its own. */
const config = workerData as WorkerConfig;
const port = parentPort!;
const { contracts, handlers } = await loadJobTypes(config.environment.TAPEDECK_EXTRA_JOBS);
const log = createLog({ level: config.environment.LOG_LEVEL, name: "workers-thread" });
const now = () => Date.now();
/** Wake-ups leave through the main thread's one connection; nothing here waits for any. */
const bus: Bus = {
  publish: (channel, key) => port.postMessage({ kind: "publish", channel, key }),
  subscribe: () => () => undefined,
  close: () => Promise.resolve(),
};
const { deps } = await wire(config, { log, bus, contracts, now, poolMax: 2, name: "tapedeck-thread" });
serveThread({ port, handlers, deps, now });
