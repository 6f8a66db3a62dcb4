/** A process that takes the ticks of a venue by hand: those that its parent sends. */
import { createBus } from "@tapedeck/platform/bus/index";
import { createDb } from "@tapedeck/platform/postgres/index";
import type { Database } from "@tapedeck/features/db";
import { testLog } from "@tapedeck/testkit";
import { handSource, quickLeases, testParts } from "./fixture.ts";
import type { VenueTick } from "./source.ts";
import { startStream } from "./wire.ts";

const [databaseUrl, dir, jwtSecret] = process.argv.slice(2) as [string, string, string];
const tell = (message: object) => process.send!(message);
const log = testLog();
log.warn = (_fields: object, message?: string) => void tell({ warning: message });
const source = handSource();
const stream = await startStream({
  db: createDb<Database>(databaseUrl, { max: 4 }),
  bus: createBus({ databaseUrl }, { log }),
  log,
  now: Date.now,
  source,
  ...testParts,
  dir,
  jwtSecret,
  leases: quickLeases,
});
process.on("message", (tick: Partial<VenueTick>) => source.send(tick));
setInterval(() => tell(stream.stats()), 50);
