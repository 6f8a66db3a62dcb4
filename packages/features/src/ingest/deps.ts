import type { BlobStore } from "@tapedeck/core";
import type { Db } from "../db.ts";
import type { SeriesReader, SeriesWriter } from "../series/contract.ts";
import type { UploadStore } from "../uploads/contract.ts";
import type { BarSources, IngestFiles } from "./contract.ts";
import type { PageFetcher } from "./documents/contract.ts";

export interface IngestDeps {
  db: Db;
  blobs: BlobStore;
  series: SeriesReader;
  seriesWriter: SeriesWriter;
  uploads: UploadStore;
  importFiles: IngestFiles;
  barSources: BarSources;
  fetchPage: PageFetcher;
}
