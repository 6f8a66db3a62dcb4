import { closeSync, fstatSync, openSync, readSync, rmSync, writeFileSync } from "node:fs";
import { mkdir, open, stat } from "node:fs/promises";
import path from "node:path";
import type { Log } from "@tapedeck/core";
import { parseChunk } from "./chunk.ts";
import type { Chunk } from "./chunk.ts";

/** A file of chunks, one a line, oldest first. */
export interface Spill {
  /** Bytes in the file; 0: there is none. */
  bytes(): number;
  /** Lines that were set aside by this process. */
  setAside(): number;
  /**
   * Writes before it returns, so that no more can come meanwhile than memory has place for; the disk is told soon after. False:
   * the file has reached its limit and the chunk is not kept. Throws where the file cannot be written.
   */
  append(chunk: Chunk): boolean;
  /**
   * Hands each chunk to `store`, oldest first, those that are appended meanwhile too, then removes the file; gives the rows.
   * Lines that are no chunk of this version are set aside in a file beside it. Stops, keeping the file, when `store` throws;
   * the next call goes on with that chunk.
   */
  replay(store: (chunk: Chunk) => Promise<void>): Promise<number>;
  /** Keeps a chunk that the database will never take in the file beside this one. Throws where that cannot be written. */
  putAside(chunk: Chunk, reason: unknown): void;
}

/** Appends to a file; gives its size. */
function appendTo(file: string, data: string | Buffer): number {
  const descriptor = openSync(file, "a", 0o600);
  try {
    writeFileSync(descriptor, data);
    return fstatSync(descriptor).size;
  } finally {
    closeSync(descriptor);
  }
}

const pieceBytes = 1_048_576;
const newline = 10;

interface Line {
  text: string;
  /** The byte after its end. */
  endByte: number;
}

/** The whole lines of a file from a byte on. */
async function* linesOf(file: string, fromByte: number): AsyncGenerator<Line> {
  const handle = await open(file, "r");
  try {
    const piece = Buffer.allocUnsafe(pieceBytes);
    let parts: Buffer[] = [];
    for (let readTo = fromByte; ;) {
      const { bytesRead } = await handle.read(piece, 0, pieceBytes, readTo);
      if (bytesRead === 0) return;
      const read = piece.subarray(0, bytesRead);
      let from = 0;
      for (let at = read.indexOf(newline); at !== -1; at = read.indexOf(newline, from)) {
        parts.push(read.subarray(from, at));
        yield { text: Buffer.concat(parts).toString(), endByte: readTo + at + 1 };
        parts = [];
        from = at + 1;
      }
      // The next read overwrites the piece.
      parts.push(Buffer.from(read.subarray(from)));
      readTo += bytesRead;
    }
  } finally {
    await handle.close();
  }
}

function readText(file: string, fromByte: number, length: number): string {
  const descriptor = openSync(file, "r");
  try {
    const text = Buffer.alloc(length);
    return text.toString("utf8", 0, readSync(descriptor, text, 0, length, fromByte));
  } finally {
    closeSync(descriptor);
  }
}

/** Opens the file where there is one from before; `maxBytes` limits it. */
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
  /** What is before this byte was handed over by this process. */
  let doneTo = 0;
  const asideFile = `${file}.aside`;
  let asideLines = 0;

  /** Files that the disk has not been told of, and whether it is being told: a slow disk holds nobody up. */
  const unsynced = new Set<string>();
  let syncing = false;
  async function syncAll(): Promise<void> {
    for (const name of unsynced) {
      unsynced.delete(name);
      const handle = await open(name, "r+");
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    }
  }
  function syncSoon(name: string): void {
    unsynced.add(name);
    if (syncing) return;
    syncing = true;
    syncAll()
      // It may have been stored, and removed, since.
      .catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOENT") log.error({ err: error, file: name }, "a spill file was not synced");
      })
      .finally(() => {
        syncing = false;
      });
  }

  function putLineAside(line: string, reason: unknown): void {
    appendTo(asideFile, `${line}\n`);
    syncSoon(asideFile);
    asideLines += 1;
    log.error(
      { err: reason, file: asideFile, bytes: line.length },
      "rows that cannot be stored were set aside in a file; nothing else is kept up",
    );
  }

  return {
    bytes: () => bytes,
    setAside: () => asideLines,
    append(chunk) {
      const line = Buffer.from(`${torn ? "\n" : ""}${JSON.stringify(chunk)}\n`);
      if (bytes + line.length > maxBytes) return false;
      // Until it is known to be whole: a line that a full disk cut off is closed by the next one.
      torn = true;
      bytes += line.length;
      bytes = appendTo(file, line);
      syncSoon(file);
      torn = false;
      return true;
    },
    async replay(store) {
      let stored = 0;
      async function storeLine(text: string): Promise<void> {
        if (text === "") return;
        let chunk: Chunk;
        try {
          chunk = parseChunk(text);
        } catch (error) {
          putLineAside(text, error);
          return;
        }
        await store(chunk);
        stored += chunk.rows;
      }
      for (;;) {
        for await (const { text, endByte } of linesOf(file, doneTo)) {
          await storeLine(text);
          doneTo = endByte;
        }
        // From here to the removal nothing is waited for, so that no chunk is appended in between.
        const rest = readText(file, doneTo, bytes - doneTo);
        if (rest.includes("\n")) continue;
        if (rest !== "") putLineAside(rest, new Error("a line was cut off by a crash"));
        rmSync(file);
        bytes = 0;
        doneTo = 0;
        torn = false;
        return stored;
      }
    },
    putAside: (chunk, reason) => putLineAside(JSON.stringify(chunk), reason),
  };
}
