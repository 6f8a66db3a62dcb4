import { defineCommand, defineQuery, Id, pageOf, PageQuery } from "@tapedeck/core";
import * as z from "zod";

export const Upload = z
  .object({
    id: Id,
    filename: z.string(),
    bytes: z.int(),
    /** Of the bytes as they were sent. */
    sha256: z.string(),
    createdMs: z.int(),
  })
  .meta({ id: "Upload" });
export type Upload = z.output<typeof Upload>;

/** Files sent by callers, kept as blobs. */
export interface UploadStore {
  /** Streams to the blobs. Throws `payload.tooLarge`. */
  add(
    tenantId: string,
    file: { filename: string; data: AsyncIterable<Uint8Array> },
    signal?: AbortSignal,
  ): Promise<Upload>;
  /** Throws `upload.unknown`. */
  get(tenantId: string, id: string): Promise<Upload & { blobKey: string }>;
  list(
    tenantId: string,
    page: { limit: number; cursor?: string | undefined },
  ): Promise<{ items: Upload[]; nextCursor: string | null }>;
  remove(tenantId: string, id: string): Promise<void>;
}

export const uploadRoutes = {
  postUpload: defineCommand({
    name: "postUpload",
    method: "POST",
    path: "/uploads",
    tag: "Uploads",
    summary:
      "Send a file, as the body (name it with ?filename=) or as multipart/form-data; streamed, never held in memory",
    role: "analyst",
    query: z.object({ filename: z.string().min(1).max(255).optional() }),
    response: Upload,
    status: 201,
    raw: true,
  }),
  listUploads: defineQuery({
    name: "listUploads",
    path: "/uploads",
    tag: "Uploads",
    summary: "Files sent so far, newest first",
    role: "viewer",
    query: PageQuery,
    response: pageOf(Upload),
  }),
  getUpload: defineQuery({
    name: "getUpload",
    path: "/uploads/{id}",
    tag: "Uploads",
    summary: "One file's name, size and hash",
    role: "viewer",
    params: z.object({ id: Id }),
    response: Upload,
  }),
  deleteUpload: defineCommand({
    name: "deleteUpload",
    method: "DELETE",
    path: "/uploads/{id}",
    tag: "Uploads",
    summary: "Erase a file; what was imported from it stays",
    role: "analyst",
    params: z.object({ id: Id }),
  }),
};
