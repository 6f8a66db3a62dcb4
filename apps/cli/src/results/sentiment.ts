import type { ResultOut } from "@tapedeck/client";
import type { sentiment } from "@tapedeck/features/sentiment/contract";
import type { Output } from "../output.ts";
import { table } from "../output.ts";
import { ratio } from "./format.ts";

const shownItems = 20;
const shownWords = 5;

/** Score and deciding words of each text, and the counts of all. */
export function showSentiment(result: ResultOut<typeof sentiment>, out: Output): void {
  out.print(
    table(
      ["text", "score", "", "decided by"],
      result.items.slice(0, shownItems).map((item) => [
        item.document?.title ?? item.id,
        ratio(item.score),
        item.label,
        item.words
          .toSorted((a, b) => Math.abs(b.weight) - Math.abs(a.weight))
          .slice(0, shownWords)
          .map((word) => word.text)
          .join(", "),
      ]),
    ),
  );
  if (result.items.length > shownItems) out.print(`and ${result.items.length - shownItems} more`);
  for (const { document, call } of result.items) {
    if (call === null) continue;
    out.print(`tone of ${document?.title}:`);
    const parts = [
      ["company", call.company, call.previous?.change.company],
      ["prepared remarks", call.prepared, call.previous?.change.prepared],
      ["answers", call.answers, call.previous?.change.answers],
      ["analysts' questions", call.questions, null],
    ] as const;
    const rows = parts.flatMap(([who, tone, change]) =>
      tone === null ? [] : [[who, ratio(tone.score), ratio(change ?? null), ratio(tone.hedging)]],
    );
    out.print(table(["", "score", "change since the call before", "hedging"], rows));
  }
  const { positive, negative, neutral } = result.counts;
  out.print(
    `${positive} positive, ${negative} negative, ${neutral} neutral; mean score ${ratio(result.meanScore)}`,
  );
}
