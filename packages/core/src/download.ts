/** Forms in which a table can be downloaded, and their media types. */
export const downloadTypes = {
  csv: "text/csv",
  json: "application/json",
  parquet: "application/vnd.apache.parquet",
} as const;
export type DownloadFormat = keyof typeof downloadTypes;
