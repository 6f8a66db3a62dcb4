import { createReadStream } from "node:fs";
import { mkdir, open, rm, stat } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import type { Log } from "@tapedeck/core";
import type { Chunk } from "./chunk.ts";

/** A file of chunks, one a line, oldest first. */
export interface Spill {
  /** Bytes in the file; 0: there is none. */
  bytes(): number;
  /** Appends and syncs. False: the file has reached its limit and the chunk is not kept. */
  append(chunk: Chunk): Promise<boolean>;
  /** Hands each chunk to `store`, oldest first, then removes the file. Stops, keeping the file, when `store` throws. */
  replay(store: (chunk: Chunk) => Promise<void>): Promise<number>;
}

export async function openSpill(file: string, maxBytes: number, log: Log): Promise<Spill> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  let bytes = await stat(file).then(
    (found) => found.size,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return 0;
      throw error;
    },
  );
  /** The line that a crash cut off ends before what is appended now. */
  let torn = bytes > 0;

  return {
    bytes: () => bytes,
    async append(chunk) {
      const line = Buffer.from(`${torn ? "\n" : ""}${JSON.stringify(chunk)}\n`);
      if (bytes + line.length > maxBytes) return false;
      // Until it is known to be whole: a line that a full disk cut off is closed by the next one.
      torn = true;
      const handle = await open(file, "a", 0o600);
      try {
        bytes += line.length;
        await handle.writeFile(line);
        await handle.sync();
      } finally {
        await handle.close();
      }
      torn = false;
      return true;
    },
    async replay(store) {
      let stored = 0;
      const input = createReadStream(file, "utf8");
      try {
        for await (const line of createInterface({ input, crlfDelay: Infinity })) {
          if (line === "") continue;
          let chunk: Chunk;
          try {
            chunk = JSON.parse(line) as Chunk;
          } catch (error) {
            log.error(
              { err: error, bytes: line.length },
              "a line of the spill file was cut off by a crash and is lost",
            );
            continue;
          }
          await store(chunk);
          stored += chunk.rows;
        }
      } finally {
        input.destroy();
      }
      await rm(file, { force: true });
      bytes = 0;
      torn = false;
      return stored;
    },
  };
}
