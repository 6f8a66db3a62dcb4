import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { AppError } from "@tapedeck/core";
import type { BlobStore } from "@tapedeck/core";
import { checkKey, checkPrefix, missing } from "./key.ts";

const staging = ".staging";

function isAbsent(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ENOTDIR";
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Blobs as files below `dir`. A blob is written beside its place, flushed to the disk and renamed: readers and a
 * power cut see all of it or nothing.
 */
export function createFolderBlobs(dir: string): BlobStore {
  const root = path.resolve(dir);
  const fileOf = (key: string) => path.join(root, ...checkKey(key).split("/"));

  async function* walk(folder: string, key: string, prefix: string): AsyncGenerator<string> {
    const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
      if (isAbsent(error)) return [];
      throw error;
    });
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      if (key === "" && entry.name === staging) continue;
      const child = key === "" ? entry.name : `${key}/${entry.name}`;
      if (entry.isDirectory()) {
        const below = `${child}/`;
        if (below.startsWith(prefix) || prefix.startsWith(below)) {
          yield* walk(path.join(folder, entry.name), child, prefix);
        }
      } else if (child.startsWith(prefix)) yield child;
    }
  }

  return {
    async put(key, data) {
      const file = fileOf(key);
      const stage = path.join(root, staging);
      await mkdir(stage, { recursive: true });
      const temporary = path.join(stage, randomBytes(12).toString("hex"));
      let bytes = 0;
      try {
        const handle = await open(temporary, "wx", 0o600);
        try {
          for await (const chunk of data instanceof Uint8Array ? [data] : data) {
            // writeFile at the current position: all of the chunk, however often the system call writes less.
            await handle.writeFile(chunk);
            bytes += chunk.byteLength;
          }
          await handle.sync();
        } finally {
          await handle.close();
        }
        await mkdir(path.dirname(file), { recursive: true });
        await rename(temporary, file);
        await syncFolder(path.dirname(file));
      } catch (error) {
        await rm(temporary, { force: true });
        const { code } = error as NodeJS.ErrnoException;
        if (code === "ENOSPC" || code === "EROFS" || code === "EACCES" || code === "EDQUOT") {
          throw new AppError(
            "service.unavailable",
            "The blob folder cannot be written: free space or permissions are lacking.",
            { cause: error, retryable: true },
          );
        }
        throw error;
      }
      return bytes;
    },

    async size(key) {
      try {
        const found = await stat(fileOf(key));
        return found.isFile() ? found.size : undefined;
      } catch (error) {
        if (isAbsent(error)) return undefined;
        throw error;
      }
    },

    async *get(key, range) {
      const file = fileOf(key);
      const options = range === undefined ? {} : { start: range.start, end: range.end - 1 };
      if (range !== undefined && range.end <= range.start) {
        if ((await this.size(key)) === undefined) throw missing(key);
        return;
      }
      try {
        for await (const chunk of createReadStream(file, { ...options, highWaterMark: 1 << 18 })) {
          yield chunk as Uint8Array;
        }
      } catch (error) {
        if (isAbsent(error) || (error as NodeJS.ErrnoException).code === "EISDIR") throw missing(key);
        throw error;
      }
    },

    async readInto(key, target) {
      const handle = await open(fileOf(key), "r").catch((error: unknown) => {
        throw isAbsent(error) ? missing(key) : error;
      });
      try {
        const { size } = await handle.stat();
        if (size !== target.byteLength) {
          throw new RangeError(`blob ${key} has ${size} bytes, the target ${target.byteLength}`);
        }
        let at = 0;
        while (at < size) {
          const { bytesRead } = await handle.read(target, at, size - at, at);
          if (bytesRead === 0) throw new RangeError(`blob ${key} ended at byte ${at} of ${size}`);
          at += bytesRead;
        }
      } finally {
        await handle.close();
      }
    },

    async delete(key) {
      await rm(fileOf(key), { force: true });
    },

    list: (prefix) => walk(root, "", checkPrefix(prefix)),
  };
}
