import { AppError } from "@tapedeck/core";
import type { IngestPayload, Mapping } from "./contract.ts";
import { symbolOfFilename } from "./mapping.ts";

/** What is known of a bundled source, where the caller says nothing else. */
export function withPreset<T extends Pick<IngestPayload, "instrument" | "timeframe" | "mapping">>(
  payload: T,
  preset: Partial<Pick<IngestPayload, "instrument" | "timeframe" | "mapping">> | undefined,
): T {
  if (preset === undefined) return payload;
  return {
    ...payload,
    instrument: { ...preset.instrument, ...payload.instrument },
    mapping: { ...preset.mapping, ...payload.mapping },
    ...(preset.timeframe === undefined ? {} : { timeframe: payload.timeframe ?? preset.timeframe }),
  };
}

/** Of a source without a column of symbols. */
export function soleSymbol(
  options: Pick<IngestPayload, "instrument">,
  mapping: Mapping,
  file: { filename: string },
): string | undefined {
  if (mapping.layout === "wide") return undefined;
  if (options.instrument?.symbol !== undefined) return options.instrument.symbol;
  const symbol = symbolOfFilename(file.filename);
  if (symbol === undefined) {
    throw new AppError(
      "payload.invalid",
      `Whose prices are in ${file.filename}? Say it with instrument.symbol.`,
    );
  }
  mapping.guesses.push({ what: "instrument.symbol", value: symbol, why: "the file's name" });
  return symbol;
}
