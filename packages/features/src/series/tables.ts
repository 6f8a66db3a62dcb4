import type { Generated } from "kysely";

export interface InstrumentsTable {
  space: string;
  instrumentId: string;
  symbol: string;
  venue: string;
  name: string;
  assetClass: string;
  currency: string;
  calendar: string;
  tickSize: string | null;
  lotSize: string | null;
  minNotional: string | null;
  /** Rises with every commit that changed the instrument's corporate actions. */
  actionsVersion: Generated<number>;
  /** Largest exMs and visibleMs of its corporate actions. */
  actionsMaxMs: number | null;
  createdMs: number;
  jobId: string | null;
}

export interface SeriesTable {
  seriesId: Generated<number>;
  space: string;
  instrumentId: string;
  kind: "bars" | "trades";
  timeframe: string;
  rows: Generated<number>;
  fromMs: number | null;
  toMs: number | null;
  maxVisibleMs: number | null;
  /** Has any row more than one revision? */
  revised: Generated<boolean>;
  dataVersion: Generated<number>;
  /** The job that changed it last. */
  jobId: string | null;
}

export interface BarsTable {
  seriesId: number;
  openMs: number;
  revision: number;
  closeMs: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number | null;
  visibleMs: number;
  recordedMs: number;
  jobId: string;
}

export interface TradesTable {
  seriesId: number;
  eventMs: number;
  ordinal: number;
  revision: number;
  price: number;
  size: number;
  venue: string | null;
  visibleMs: number;
  recordedMs: number;
  jobId: string;
}

export interface CorporateActionsTable {
  space: string;
  instrumentId: string;
  exMs: number;
  kind: "split" | "dividend" | "factor";
  revision: number;
  ratio: number | null;
  amount: number | null;
  currency: string | null;
  priceRatio: number | null;
  splitRatio: number | null;
  visibleMs: number;
  recordedMs: number;
  jobId: string;
}

export interface DatasetsTable {
  hash: string;
  space: string;
  instrumentId: string;
  timeframe: string;
  adjustment: string;
  asOfMs: number;
  bars: number;
  fromMs: number;
  toMs: number;
  /** JSON of the instrument as it was. */
  instrument: string;
  createdMs: number;
  /** When it was last asked for, to the day. */
  usedMs: number;
}

export interface DatasetIndexTable {
  seriesId: number;
  adjustment: string;
  fromMs: number;
  toMs: number;
  asOfMs: number;
  dataVersion: number;
  actionsVersion: number;
  hash: string;
}

export interface SeriesTables {
  instruments: InstrumentsTable;
  series: SeriesTable;
  bars: BarsTable;
  trades: TradesTable;
  corporateActions: CorporateActionsTable;
  datasets: DatasetsTable;
  datasetIndex: DatasetIndexTable;
}
