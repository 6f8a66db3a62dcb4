import { parse } from "csv-parse/sync";
import { scoreText } from "../../packages/text/src/sentiment/score.ts";
import { readText } from "./files.ts";
import { macroF1 } from "./measure.ts";
import type { EvalSet, Measure } from "./measure.ts";

const labels = ["positive", "negative", "neutral"] as const;
type Label = (typeof labels)[number];

function rowsOf<T>(file: string): T[] {
  return parse(readText(file), { columns: true, relax_quotes: true }) as T[];
}

function measure(
  set: string,
  metric: string,
  pairs: readonly (readonly [Label, Label])[],
  aim?: string,
): Measure {
  return {
    set,
    metric,
    value: macroF1(labels, pairs),
    n: pairs.length,
    ...(aim === undefined ? {} : { aim }),
  };
}

function accuracy(set: string, pairs: readonly (readonly [Label, Label])[]): Measure {
  const count = pairs.filter(([truth, said]) => truth === said).length;
  return { set, metric: "accuracy", value: count / pairs.length, n: pairs.length, count };
}

/** Headlines with one label for each entity that they name. */
export const sentfin: EvalSet = {
  name: "sentfin",
  files: [["sentiment", /^sentfin.*\.csv/]],
  async run([file]) {
    const single: [Label, Label][] = [];
    const each: [Label, Label][] = [];
    for (const { Title, Decisions } of rowsOf<{ Title: string; Decisions: string }>(file!)) {
      const entities = [...Decisions.matchAll(/(['"])(.+?)\1:\s*(['"])(positive|negative|neutral)\3/g)].map(
        (match) => ({ name: match[2]!, label: match[4] as Label }),
      );
      for (const { name, label } of entities) {
        const scored = scoreText(Title, [name]);
        each.push([label, scored.entities[0]?.label ?? scored.label]);
      }
      if (entities.length === 1) single.push([entities[0]!.label, scoreText(Title, []).label]);
    }
    return [
      measure("sentfin", "macro_f1", single, "≥ 0.75"),
      accuracy("sentfin", single),
      measure("sentfin", "macro_f1_per_entity", each),
    ];
  },
};

/** Tweets: 0 bearish, 1 bullish, 2 neutral. */
export const twitter: EvalSet = {
  name: "twitter",
  files: [["sentiment", /^twitter.*\.csv/]],
  async run([file]) {
    const names: readonly Label[] = ["negative", "positive", "neutral"];
    const pairs = rowsOf<{ text: string; label: string }>(file!).map(({ text, label }): [Label, Label] => [
      names[Number(label)]!,
      scoreText(text, []).label,
    ]);
    return [measure("twitter", "macro_f1", pairs, "≥ 0.68"), accuracy("twitter", pairs)];
  },
};
