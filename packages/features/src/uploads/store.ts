import { createHash } from "node:crypto";
import { AppError, idCursor, newId } from "@tapedeck/core";
import type { BlobStore } from "@tapedeck/core";
import type { Db } from "../db.ts";
import type { Upload, UploadStore } from "./contract.ts";

export interface UploadStoreOptions {
  db: Db;
  blobs: BlobStore;
  now(): number;
  /** Of one file. */
  maxBytes: number;
}

const columns = ["id", "filename", "bytes", "sha256", "createdMs"] as const;

/** Last part of the name, without what a file system or a header would trip over. */
function cleanName(filename: string): string {
  const last = filename.split(/[/\\]/).at(-1)!;
  // oxlint-disable-next-line no-control-regex -- control characters are what is removed
  return last.replaceAll(/[\u0000-\u001f\u007f"]/g, "").slice(0, 255) || "upload";
}

export function createUploadStore(options: UploadStoreOptions): UploadStore {
  const { db, blobs, now, maxBytes } = options;

  async function get(tenantId: string, id: string): Promise<Upload & { blobKey: string }> {
    const row = await db
      .selectFrom("uploads")
      .select([...columns, "blobKey"])
      .where("tenantId", "=", tenantId)
      .where("id", "=", id)
      .executeTakeFirst();
    if (row === undefined) {
      throw new AppError("upload.unknown", `There is no upload ${id}. Send the file with POST /api/uploads.`);
    }
    return row;
  }

  return {
    get,
    async add(tenantId, file, signal) {
      const id = newId(now());
      const blobKey = `uploads/${tenantId}/${id}`;
      const hash = createHash("sha256");
      async function* limited(): AsyncGenerator<Uint8Array> {
        let bytes = 0;
        for await (const chunk of file.data) {
          signal?.throwIfAborted();
          bytes += chunk.length;
          if (bytes > maxBytes) {
            throw new AppError(
              "payload.tooLarge",
              `The file is larger than ${maxBytes} bytes, the limit of an upload here: pack it with gzip, split it, or put it into the server's import folder.`,
            );
          }
          hash.update(chunk);
          yield chunk;
        }
      }
      const bytes = await blobs.put(blobKey, limited());
      const row = {
        id,
        filename: cleanName(file.filename),
        bytes,
        sha256: hash.digest("hex"),
        createdMs: now(),
      };
      await db
        .insertInto("uploads")
        .values({ ...row, tenantId, blobKey })
        .execute();
      return row;
    },
    async list(tenantId, { limit, cursor }) {
      let query = db.selectFrom("uploads").select(columns).where("tenantId", "=", tenantId);
      const before = idCursor(cursor);
      if (before !== undefined) query = query.where("id", "<", before);
      const items = await query
        .orderBy("id", "desc")
        .limit(limit + 1)
        .execute();
      const page = items.slice(0, limit);
      return { items: page, nextCursor: items.length > limit ? page.at(-1)!.id : null };
    },
    async remove(tenantId, id) {
      const { blobKey } = await get(tenantId, id);
      await db.deleteFrom("uploads").where("tenantId", "=", tenantId).where("id", "=", id).execute();
      await blobs.delete(blobKey);
    },
  };
}
