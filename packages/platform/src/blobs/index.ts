export { createFolderBlobs } from "./folder.ts";
export { createS3Blobs } from "./s3.ts";
export type { S3Options } from "./s3.ts";
