import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, realpath } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { AppError } from "@tapedeck/core";
import type { BlobStore } from "@tapedeck/core";
import type { UploadStore } from "../uploads/contract.ts";
import type { IngestFiles, IngestSource } from "./contract.ts";

export interface SourceDeps {
  blobs: BlobStore;
  uploads: UploadStore;
  files: IngestFiles;
}

/** Bytes that can be read from any place, whatever keeps them. */
export interface ByteSource {
  kind: "upload" | "file" | "venue";
  /** For people, and as `ref` of the lineage. */
  label: string;
  /** Last part of the name; its format and symbol may be guessed from it. */
  filename: string;
  bytes: number;
  read(start: number, end: number): AsyncIterable<Uint8Array>;
}

const bundledFiles = { sp500: "sp500-2000.csv", stocks: "stocks.csv" } as const;

export async function fileSource(file: string, label: string): Promise<ByteSource> {
  const handle = await open(file, "r");
  try {
    const info = await handle.stat();
    if (!info.isFile()) throw new AppError("data.invalid", `${label} is not a file.`);
    return {
      kind: "file",
      label,
      filename: path.basename(file),
      bytes: info.size,
      read: (start, end) => (end <= start ? empty() : createReadStream(file, { start, end: end - 1 })),
    };
  } finally {
    await handle.close();
  }
}

async function* empty(): AsyncGenerator<Uint8Array> {}

/** The file below the import folder; a path or link that leads out of it is refused. */
async function importedFile(files: IngestFiles, relative: string): Promise<ByteSource> {
  if (files.importDir === undefined) {
    throw new AppError(
      "payload.invalid",
      "This server has no import folder: set TAPEDECK_IMPORT_DIR, or send the file with POST /api/uploads.",
    );
  }
  const refused = new AppError("data.missing", `There is no file "${relative}" in the import folder.`);
  try {
    const root = await realpath(files.importDir);
    const file = await realpath(path.resolve(root, relative));
    if (!file.startsWith(root + path.sep)) throw refused;
    return await fileSource(file, relative);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw refused;
    throw error;
  }
}

export async function openSource(
  deps: SourceDeps,
  tenantId: string,
  source: Exclude<IngestSource, { kind: "venue" | "rest" }>,
): Promise<ByteSource> {
  if (source.kind === "file") return importedFile(deps.files, source.path);
  if (source.kind === "bundled") {
    const name = bundledFiles[source.name];
    const build = createRequire(import.meta.url).resolve("vega-datasets");
    return fileSource(path.resolve(build, "../../data", name), `vega-datasets ${name}`);
  }
  const upload = await deps.uploads.get(tenantId, source.uploadId);
  return {
    kind: "upload",
    label: upload.filename,
    filename: upload.filename,
    bytes: upload.bytes,
    read: (start, end) => deps.blobs.get(upload.blobKey, { start, end }),
  };
}

export async function readAll(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks);
}

type Packing = "none" | "gzip" | "zstd";

async function packingOf(source: ByteSource): Promise<Packing> {
  const head = await readAll(source.read(0, Math.min(4, source.bytes)));
  if (head[0] === 0x1f && head[1] === 0x8b) return "gzip";
  if (head.length === 4 && head.readUInt32LE() === 0xfd2fb528) return "zstd";
  if (head.toString("latin1", 0, 2) === "PK") {
    throw new AppError("data.invalid", `${source.label} is a zip archive: unpack it, or pack it as .gz.`);
  }
  return "none";
}

/** All bytes, unpacked where they are gzip or zstd. `onBytes` counts and `hash` takes them as they are stored. */
export async function unpacked(
  source: ByteSource,
  onBytes: (bytes: number) => void,
  hash = createHash("sha256"),
): Promise<AsyncIterable<Uint8Array>> {
  const packing = await packingOf(source);
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of source.read(0, source.bytes)) {
      onBytes(chunk.length);
      hash.update(chunk);
      yield chunk;
    }
  }
  if (packing === "none") return counted();
  const input = Readable.from(counted(), { objectMode: false });
  const inflate = packing === "gzip" ? createGunzip() : createZstdDecompress();
  input.on("error", (error) => inflate.destroy(error));
  inflate.on("close", () => input.destroy());
  input.pipe(inflate);
  async function* inflated(): AsyncGenerator<Uint8Array> {
    try {
      yield* inflate as AsyncIterable<Uint8Array>;
    } catch (error) {
      if (!/^(Z_|ZSTD_)/.test((error as NodeJS.ErrnoException).code ?? "")) throw error;
      throw new AppError("data.invalid", `${source.label} cannot be unpacked: it is cut off or damaged.`, {
        cause: error,
      });
    }
  }
  return inflated();
}

/** The first unpacked bytes. */
export async function headOf(source: ByteSource, bytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let have = 0;
  for await (const chunk of await unpacked(source, () => undefined)) {
    chunks.push(chunk);
    have += chunk.length;
    if (have >= bytes) break;
  }
  return Buffer.concat(chunks).subarray(0, bytes);
}
