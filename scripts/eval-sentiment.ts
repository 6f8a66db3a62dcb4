/**
 * Measures the sentiment rules on labelled headlines: macro-F1 and accuracy, with n.
 *
 *     node scripts/eval-sentiment.ts [--errors N]
 *
 * Reads EVAL_DIR (default ../shared/eval): sentiment/sentfin.dev.csv and sentiment/twitter.train.csv.
 */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { parse } from "csv-parse/sync";
import { scoreText } from "../packages/features/src/sentiment/score.ts";

type Label = "positive" | "negative" | "neutral";
interface Row {
  text: string;
  entity?: string;
  label: Label;
}

const dir = path.resolve(import.meta.dirname, "..", process.env["EVAL_DIR"] ?? "../shared/eval", "sentiment");

function sentfin(): { single: Row[]; entities: Row[] } {
  const rows = parse(readFileSync(path.join(dir, "sentfin.dev.csv"), "utf8"), { columns: true }) as {
    Title: string;
    Decisions: string;
  }[];
  const single: Row[] = [];
  const entities: Row[] = [];
  for (const { Title: text, Decisions: decisions } of rows) {
    const pairs = [...decisions.matchAll(/(['"])(.+?)\1:\s*(['"])(positive|negative|neutral)\3/g)].map(
      (match) => ({
        text,
        entity: match[2]!,
        label: match[4] as Label,
      }),
    );
    entities.push(...pairs);
    if (pairs.length === 1) single.push({ text, label: pairs[0]!.label });
  }
  return { single, entities };
}

function twitter(): Row[] {
  const rows = parse(readFileSync(path.join(dir, "twitter.train.csv"), "utf8"), {
    columns: true,
    relax_quotes: true,
  }) as { text: string; label: string }[];
  const names = ["negative", "positive", "neutral"] as const;
  return rows.map((row) => ({ text: row.text, label: names[Number(row.label)]! }));
}

function measure(name: string, rows: readonly Row[], errors: number): void {
  const labels = ["positive", "negative", "neutral"] as const;
  const counts = new Map<string, number>();
  const add = (key: string) => counts.set(key, (counts.get(key) ?? 0) + 1);
  const wrong: string[] = [];
  let right = 0;
  for (const { text, entity, label } of rows) {
    const result = scoreText(text, entity === undefined ? [] : [entity]);
    const guess = entity === undefined ? result.label : (result.entities[0]?.label ?? result.label);
    if (guess === label) right++;
    else
      wrong.push(
        `${label} taken for ${guess}: ${text.replaceAll("\n", " ")} | ${result.words.map((w) => `${w.text} ${w.weight}`).join(", ")}`,
      );
    add(`${label}>${guess}`);
  }
  const of = (a: string, b: string) => counts.get(`${a}>${b}`) ?? 0;
  const f1 = labels.map((label) => {
    const hit = of(label, label);
    const said = labels.reduce((sum, other) => sum + of(other, label), 0);
    const is = labels.reduce((sum, other) => sum + of(label, other), 0);
    return (2 * hit) / Math.max(1, said + is);
  });
  const macro = f1.reduce((sum, value) => sum + value, 0) / labels.length;
  console.log(
    `${name}: n ${rows.length}, accuracy ${(right / rows.length).toFixed(3)}, macro-F1 ${macro.toFixed(3)} (${labels
      .map((label, i) => `${label} ${f1[i]!.toFixed(3)}`)
      .join(", ")})`,
  );
  for (const label of labels)
    console.log(`  ${label}: ${labels.map((other) => `${other} ${of(label, other)}`).join(", ")}`);
  const step = Math.max(1, Math.floor(wrong.length / Math.max(1, errors)));
  for (let i = 0; i < wrong.length && i < errors * step; i += step) console.log(`    ${wrong[i]}`);
}

if (!existsSync(dir)) {
  console.log(`left out: there are no labelled headlines in ${dir}; set EVAL_DIR`);
} else {
  const at = process.argv.indexOf("--errors");
  const errors = at < 0 ? 0 : Number(process.argv[at + 1] ?? 40);
  const { single, entities } = sentfin();
  measure("SEntFiN, one entity", single, errors);
  measure("SEntFiN, each entity", entities, 0);
  measure("Twitter", twitter(), errors);
}
