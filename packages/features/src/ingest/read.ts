import { Readable } from "node:stream";
import { AppError } from "@tapedeck/core";
import type { RouteHandlersFor } from "@tapedeck/core";
import { calendarOf } from "@tapedeck/trading/calendar/index";
import type { Db } from "../db.ts";
import { bundledPresets } from "./bundled.ts";
import type { ingestRoutes } from "./contract.ts";
import { createConverter } from "./convert.ts";
import type { IngestDeps } from "./deps.ts";
import { createInstrumentChooser } from "./instruments.ts";
import { soleSymbol, withPreset } from "./options.ts";
import { openSource } from "./source.ts";
import { isImport, loadQuality, loadQuarantine } from "./store.ts";
import { openTable } from "./table.ts";

const previewRows = 20;
const downloadPage = 1_000;

async function requireIngest(db: Db, tenantId: string, jobId: string): Promise<void> {
  if (!(await isImport(db, "ingest", tenantId, jobId))) {
    throw new AppError("job.unknown", `There is no ingest job ${jobId}.`);
  }
}

/** What a spreadsheet would run as a formula is kept from it. */
function csvCell(value: string | number): string {
  const text = String(value);
  const safe = typeof value === "string" && /^[=+@\t\r-]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

async function* quarantineCsv(db: Db, tenantId: string, jobId: string): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  yield encoder.encode("line,reason,message,row\r\n");
  for (let after = -1; ;) {
    const rows = await loadQuarantine(db, tenantId, jobId, after, downloadPage);
    if (rows.length === 0) return;
    after = rows.at(-1)!.seq;
    const lines = rows.map((row) => [row.line, row.reason, row.message, row.row].map(csvCell).join(","));
    yield encoder.encode(`${lines.join("\r\n")}\r\n`);
  }
}

function bodyOf(chunks: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array<ArrayBuffer>> {
  return Readable.toWeb(Readable.from(chunks, { objectMode: false })) as ReadableStream<
    Uint8Array<ArrayBuffer>
  >;
}

export const ingestRouteHandlers = {
  previewIngest: async (deps, { body }, caller) => {
    const preset = body.source.kind === "bundled" ? bundledPresets[body.source.name] : undefined;
    const file = await openSource({ ...deps, files: deps.importFiles }, caller.tenantId, body.source);
    const table = await openTable(file, withPreset(body, preset?.options));
    const { mapping, names, options } = table;
    const visible = await deps.series.instruments(caller.tenantId);
    const chooser = createInstrumentChooser({
      payload: options,
      mapping,
      preset,
      space: caller.tenantId,
      visible,
    });
    const convert = createConverter({
      mapping,
      names,
      symbol: mapping.columns.symbol === undefined ? soleSymbol(options, mapping, file) : undefined,
      calendarOfSymbol: (symbol) => calendarOf(chooser(symbol).calendar),
      now: deps.now,
    });
    const head = table.head.slice(0, previewRows);
    const rows = head.flatMap((row) =>
      convert(row).map((item) => {
        const none = {
          line: row.line,
          instrumentId: null,
          openMs: null,
          closeMs: null,
          values: {},
          rejected: null,
        };
        if (item.kind === "rejected") return { ...none, rejected: item.message };
        const { instrumentId } = chooser(item.symbol);
        if (item.kind === "bar") {
          const { openMs, closeMs, open, high, low, close, volume } = item;
          return { ...none, instrumentId, openMs, closeMs, values: { open, high, low, close, volume } };
        }
        if (item.kind === "trade") {
          return {
            ...none,
            instrumentId,
            openMs: item.eventMs,
            values: { price: item.price, size: item.size },
          };
        }
        if (item.kind === "factor") {
          const { priceFactor, splitFactor } = item;
          return {
            ...none,
            instrumentId,
            openMs: Date.parse(item.date),
            values: { priceFactor, splitFactor },
          };
        }
        const { exMs, ratio, amount } = item.action;
        return { ...none, instrumentId, openMs: exMs, values: { ratio, amount } };
      }),
    );
    return { mapping, header: names, raw: head.map((row) => row.cells), rows };
  },

  getQuarantine: async ({ db }, { params, query }, caller) => {
    await requireIngest(db, caller.tenantId, params.id);
    const after = query.cursor === undefined ? -1 : Number(query.cursor);
    if (!Number.isSafeInteger(after)) {
      throw new AppError("payload.invalid", "The cursor is not one that this list gave.");
    }
    const rows = await loadQuarantine(db, caller.tenantId, params.id, after, query.limit + 1);
    const page = rows.slice(0, query.limit);
    return {
      items: page.map(({ seq: _seq, ...row }) => row),
      nextCursor: rows.length > query.limit ? String(page.at(-1)!.seq) : null,
    };
  },

  downloadQuarantine: async ({ db }, { params }, caller) => {
    await requireIngest(db, caller.tenantId, params.id);
    return new Response(bodyOf(quarantineCsv(db, caller.tenantId, params.id)), {
      headers: {
        "content-type": "text/csv; charset=utf-8",
        "content-disposition": `attachment; filename="quarantine-${params.id}.csv"`,
      },
    });
  },

  getQuality: async ({ db, series }, { params }, caller) => {
    const instrument = await series.resolve(caller.tenantId, params.id);
    return { items: await loadQuality(db, instrument.space, instrument.instrumentId) };
  },
} satisfies RouteHandlersFor<typeof ingestRoutes, IngestDeps & { now(): number }>;
