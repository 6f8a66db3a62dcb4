export interface IngestTables {
  ingestCheckpoints: {
    jobId: string;
    tenantId: string;
    /** Records of the source that are dealt with. */
    records: number;
    /** JSON of IngestState. */
    state: string;
  };
  ingestQuarantine: {
    jobId: string;
    seq: number;
    tenantId: string;
    line: number;
    reason: string;
    message: string;
    row: string;
  };
  qualityReports: {
    space: string;
    instrumentId: string;
    timeframe: string;
    jobId: string;
    createdMs: number;
    report: string;
  };
  venueBarPages: {
    venue: string;
    symbol: string;
    timeframe: string;
    fromMs: number;
    toMs: number;
    /** JSON of VenueBar[]. */
    bars: string;
    fetchedMs: number;
  };
}
