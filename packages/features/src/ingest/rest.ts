import { answerAt, AppError } from "@tapedeck/core";
import type { AnswerPath } from "@tapedeck/core";
import type { BarsAnswer, RestSource } from "./contract.ts";
import { presetAnswers } from "./contract.ts";
import type { PageFetcher } from "./documents/contract.ts";
import type { ByteSource } from "./source.ts";

const maxBytes = 64 * 1024 * 1024;
const names = ["open", "high", "low", "close", "volume"] as const;

const absent = (answer: unknown, path: AnswerPath) =>
  new AppError(
    "data.invalid",
    `The answer has no bars at ${path.join(" > ")}. It begins: ${JSON.stringify(answer).slice(0, 200)}`,
  );

function listAt(answer: unknown, path: AnswerPath): unknown[] {
  const value = answerAt(answer, path);
  if (!Array.isArray(value)) throw absent(answer, path);
  return value;
}

const cell = (value: unknown) =>
  typeof value === "number" || typeof value === "string" ? String(value) : "";

/** Prices that the answer has, as columns of text behind the time; "" is what a row lacks. */
export function tableOfAnswer(answer: unknown, shape: BarsAnswer): { header: string[]; rows: string[][] } {
  const has = names.filter((name) => shape[name] !== undefined);
  const header = ["date", ...has];
  if (shape.rows === "columns") {
    const columns = has.map((name) => listAt(answer, shape[name]!));
    const rows = listAt(answer, shape.time).map((time, i) => [
      cell(time),
      ...columns.map((column) => cell(column[i])),
    ]);
    return { header, rows };
  }
  const prices = (row: unknown) => has.map((name) => cell(answerAt(row, [shape[name]!])));
  if (shape.rows === "list") {
    const rows = listAt(answer, shape.at).map((row) => [cell(answerAt(row, [shape.time])), ...prices(row)]);
    return { header, rows };
  }
  const at = answerAt(answer, shape.at);
  if (typeof at !== "object" || at === null) throw absent(answer, shape.at);
  return { header, rows: Object.entries(at).map(([time, row]) => [time, ...prices(row)]) };
}

/** Oldest first, as a table that is imported like any file; an address's query may hold a key and is not shown. */
export async function restSource(
  fetchPage: PageFetcher,
  source: RestSource,
  signal: AbortSignal,
): Promise<ByteSource> {
  const url = new URL(source.url);
  const { bytes } = await fetchPage(source.url, { maxBytes, signal });
  let answer: unknown;
  try {
    answer = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (error) {
    throw new AppError("data.invalid", `${url.host} did not answer with JSON.`, { cause: error });
  }
  const shape = typeof source.answer === "string" ? presetAnswers[source.answer] : source.answer;
  const { header, rows } = tableOfAnswer(answer, shape);
  const close = header.indexOf("close");
  // Yahoo's has null where nothing was traded.
  const traded = rows.filter((row) => row[close] !== "");
  if ((traded.at(-1)?.[0] ?? "") < (traded[0]?.[0] ?? "")) traded.reverse();
  const quoted = traded.map((row) => row.map((text) => `"${text.replaceAll('"', '""')}"`).join(","));
  const text = [header.join(","), ...quoted, ""].join("\n");
  const table = Buffer.from(text);
  return {
    kind: "venue",
    label: `${url.origin}${url.pathname}`,
    filename: "answer.csv",
    bytes: table.length,
    // oxlint-disable-next-line typescript/require-await -- an async iterable, as files are
    async *read(start, end) {
      yield table.subarray(start, end);
    },
  };
}
