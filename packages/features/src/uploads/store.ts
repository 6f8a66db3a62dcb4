import { createHash } from "node:crypto";
import { AppError, idCursor, newId } from "@tapedeck/core";
import type { BlobStore } from "@tapedeck/core";
import { sql } from "kysely";
import type { Db, Tx } from "../db.ts";
import type { Upload, UploadStore } from "./contract.ts";

export interface UploadStoreOptions {
  db: Db;
  blobs: BlobStore;
  now(): number;
  /** Of one file. */
  maxBytes: number;
  /** Of all files of a tenant together. */
  quotaBytes: number;
}

const columns = ["id", "filename", "bytes", "sha256", "createdMs"] as const;

/** Last part of the name, without what a file system or a header would trip over. */
function cleanName(filename: string): string {
  const last = filename.split(/[/\\]/).at(-1)!;
  // oxlint-disable-next-line no-control-regex -- control characters are what is removed
  return last.replaceAll(/[\u0000-\u001f\u007f"]/g, "").slice(0, 255) || "upload";
}

export function createUploadStore(options: UploadStoreOptions): UploadStore {
  const { db, blobs, now, maxBytes, quotaBytes } = options;

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

  async function usedBytes(db: Db | Tx, tenantId: string): Promise<number> {
    const { used } = await db
      .selectFrom("uploads")
      .select((eb) => eb.fn.coalesce(eb.fn.sum<number>("bytes"), sql<number>`0`).as("used"))
      .where("tenantId", "=", tenantId)
      .executeTakeFirstOrThrow();
    return Number(used);
  }

  const quotaExceeded = () =>
    new AppError(
      "quota.exceeded",
      `The uploads of this tenant may take ${quotaBytes} bytes together: delete some with DELETE /api/uploads/{id}; what was imported from them stays.`,
      { details: { quotaBytes } },
    );

  return {
    get,
    async add(tenantId, file, signal) {
      const id = newId(now());
      const blobKey = `uploads/${tenantId}/${id}`;
      const hash = createHash("sha256");
      const freeBytes = quotaBytes - (await usedBytes(db, tenantId));
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
          if (bytes > freeBytes) throw quotaExceeded();
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
      const stored = await db.transaction().execute(async (tx) => {
        // Uploads that came at the same time each saw the same room.
        await sql`select pg_advisory_xact_lock(hashtextextended(${`uploads ${tenantId}`}, 0))`.execute(tx);
        if ((await usedBytes(tx, tenantId)) + bytes > quotaBytes) return false;
        await tx
          .insertInto("uploads")
          .values({ ...row, tenantId, blobKey })
          .execute();
        return true;
      });
      if (stored) return row;
      await blobs.delete(blobKey);
      throw quotaExceeded();
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
