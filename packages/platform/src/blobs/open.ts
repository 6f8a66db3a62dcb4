import path from "node:path";
import { AppError } from "@tapedeck/core";
import type { BlobStore } from "@tapedeck/core";
import type { Environment } from "../config/index.ts";

export type BlobSettings = Environment<
  "S3_BUCKET" | "S3_REGION" | "S3_ENDPOINT" | "S3_PREFIX" | "S3_ACCESS_KEY_ID" | "S3_SECRET_ACCESS_KEY"
>;

/**
 * Blobs in the S3 bucket that is set, else in a folder of `dir`. Loads the adapter that is asked for and no other: each
 * brings tens of megabytes along.
 */
export async function openBlobs(dir: string, settings: BlobSettings): Promise<BlobStore> {
  if (settings.S3_BUCKET === undefined) {
    const { createFolderBlobs } = await import("./folder.ts");
    return createFolderBlobs(path.join(dir, "blobs"));
  }
  const { createS3Blobs } = await import("./s3.ts");
  const accessKeyId = settings.S3_ACCESS_KEY_ID;
  const secretAccessKey = settings.S3_SECRET_ACCESS_KEY;
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    throw new AppError("config.invalid", "set both S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY, or neither");
  }
  return createS3Blobs({
    bucket: settings.S3_BUCKET,
    region: settings.S3_REGION,
    endpoint: settings.S3_ENDPOINT,
    prefix: settings.S3_PREFIX,
    credentials:
      accessKeyId === undefined || secretAccessKey === undefined
        ? undefined
        : { accessKeyId, secretAccessKey },
  });
}
