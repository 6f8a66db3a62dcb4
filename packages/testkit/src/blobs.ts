import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { BlobStore } from "@tapedeck/core";
import { createFolderBlobs } from "@tapedeck/platform/blobs/index";

/** A blob folder of its own; `close()` removes it. */
export async function testBlobs(): Promise<{ blobs: BlobStore; dir: string; close: () => Promise<void> }> {
  const dir = await mkdtemp(path.join(tmpdir(), "tapedeck-blobs-"));
  return { blobs: createFolderBlobs(dir), dir, close: () => rm(dir, { recursive: true, force: true }) };
}
