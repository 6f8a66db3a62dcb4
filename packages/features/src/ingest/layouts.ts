import type { IngestPayload } from "./contract.ts";
import type { Dialect, RawRow } from "./csv.ts";

/** A file that is known by its header, so that nothing about it is guessed. */
export interface Layout {
  name: string;
  options: Pick<IngestPayload, "instrument" | "timeframe" | "mapping">;
  /** Columns that every row gets beside its own. */
  added: readonly string[];
  /** The cells of a row as they are read: its own, changed, and those of the added columns. */
  cells(row: readonly string[]): string[];
}

type Known = (names: readonly string[], filename: string) => Layout | undefined;

/** Both exchanges' equities. */
const india = { currency: "INR", assetClass: "equity", calendar: "XNSE" } as const;

/** Series of NSE in which a share is traded as such; what another series means is another instrument. */
const shares = new Set(["EQ", "BE", "BZ", "SM", "ST", "SZ"]);

/** NSE's symbols as symbols here: `M&M` is M_M, another series than a share's is behind the symbol. */
function nseSymbol(symbol: string, series: string): string {
  const own = symbol.trim().replaceAll("&", "_");
  return shares.has(series.trim()) ? own : `${own}-${series.trim()}`;
}

function has(names: readonly string[], ...wanted: string[]): boolean {
  return wanted.every((name) => names.includes(name));
}

/** A layout that changes the cell of one column. */
function changing(
  names: readonly string[],
  column: string,
  value: (cell: (name: string) => string) => string,
): Layout["cells"] {
  const place = names.indexOf(column);
  return (row) => {
    const cells = [...row];
    cells[place] = value((name) => row[names.indexOf(name)] ?? "");
    return cells;
  };
}

/** Common to both exchanges since July 2024: https://www.nseindia.com/resources/exchange-communication-circulars, "UDiFF". */
const udiff: Known = (names) =>
  has(names, "TradDt", "Src", "FinInstrmId", "TckrSymb", "SctySrs", "OpnPric", "ClsPric", "TtlTradgVol")
    ? {
        name: "bhavcopy, UDiFF",
        options: {
          instrument: india,
          timeframe: "1d",
          mapping: {
            columns: {
              date: "TradDt",
              symbol: "TckrSymb",
              open: "OpnPric",
              high: "HghPric",
              low: "LwPric",
              close: "ClsPric",
              volume: "TtlTradgVol",
            },
          },
        },
        added: [],
        cells: changing(names, "TckrSymb", (cell) =>
          cell("Src") === "BSE" ? cell("FinInstrmId") : nseSymbol(cell("TckrSymb"), cell("SctySrs")),
        ),
      }
    : undefined;

/** NSE until July 2024, `cm01JAN2024bhav.csv`: https://www.nseindia.com/all-reports. */
const nseOld: Known = (names) =>
  has(names, "SYMBOL", "SERIES", "PREVCLOSE", "TOTTRDQTY", "TIMESTAMP")
    ? {
        name: "NSE bhavcopy",
        options: {
          instrument: { ...india, venue: "XNSE" },
          timeframe: "1d",
          mapping: { columns: { date: "TIMESTAMP", symbol: "SYMBOL", close: "CLOSE", volume: "TOTTRDQTY" } },
        },
        added: [],
        cells: changing(names, "SYMBOL", (cell) => nseSymbol(cell("SYMBOL"), cell("SERIES"))),
      }
    : undefined;

const bseDate = /^EQ(?:_ISINCODE_)?(\d{2})(\d{2})(\d{2})\./i;

/** BSE until July 2024, `EQ010124.CSV`, whose date is in its name alone: https://www.bseindia.com/markets/MarketInfo/BhavCopy.aspx. */
const bseOld: Known = (names, filename) => {
  if (!has(names, "SC_CODE", "SC_NAME", "PREVCLOSE", "NO_OF_SHRS")) return undefined;
  const [, day, month, year] = bseDate.exec(filename) ?? [];
  const dated = names.includes("TRADING_DATE");
  if (!dated && day === undefined) return undefined;
  return {
    name: "BSE bhavcopy",
    options: {
      instrument: { ...india, venue: "XBOM" },
      timeframe: "1d",
      mapping: {
        columns: { date: "TRADING_DATE", symbol: "SC_CODE", close: "CLOSE", volume: "NO_OF_SHRS" },
      },
    },
    added: dated ? [] : ["TRADING_DATE"],
    cells: (row) => (dated ? [...row] : [...row.slice(0, names.length), `20${year}-${month}-${day}`]),
  };
};

/** The layout that a header is known by. */
export function layoutOf(
  names: readonly string[],
  rows: readonly RawRow[],
  filename: string,
): Layout | undefined {
  for (const known of [udiff, nseOld, bseOld]) {
    const layout = known(names, filename);
    if (layout === undefined) continue;
    // UDiFF names the exchange in its rows; a file is one exchange's.
    const source = rows[0]?.cells[names.indexOf("Src")];
    if (known !== udiff) return layout;
    const instrument = { ...layout.options.instrument, venue: source === "BSE" ? "XBOM" : "XNSE" };
    return { ...layout, options: { ...layout.options, instrument } };
  }
  return undefined;
}

/** A table's columns and rows as its layout has them. */
export function withLayout(
  layout: Layout,
  dialect: Dialect,
  rows: readonly RawRow[],
): { dialect: Dialect; rows: RawRow[] } {
  const guess = { what: "layout", value: layout.name, why: "its header" };
  return {
    dialect: {
      ...dialect,
      names: [...dialect.names, ...layout.added],
      guesses: [...dialect.guesses, guess],
    },
    rows: rows.map(({ line, cells }) => ({ line, cells: layout.cells(cells) })),
  };
}
