import { answerFromTable } from "@tapedeck/text/tables/answer";
import type { Scale, TableAnswer } from "@tapedeck/text/tables/answer";
import { readText } from "./files.ts";
import { mean } from "./measure.ts";
import type { EvalSet, Measure } from "./measure.ts";

interface Question {
  question: string;
  answer: string | number | (string | number)[];
  answer_type: "span" | "multi-span" | "arithmetic" | "count";
  scale: Scale;
}
interface Context {
  table: { table: string[][] };
  paragraphs: { text: string }[];
  questions: Question[];
}

const sizes: Record<Scale, number> = { "": 1, percent: 0.01, thousand: 1e3, million: 1e6, billion: 1e9 };

/** The number that a text is, brackets negative; null for other texts. */
function numberOf(text: string): number | null {
  const bare = text.replaceAll(/[$€£¥,\s]/g, "");
  if (!/^[-(]*\d*\.?\d+\)?%?$/.test(bare)) return null;
  const value = Number(bare.replaceAll(/[()%-]/g, ""));
  return /^[-(]/.test(bare) ? -value : value;
}

/** As the set's own scorer compares texts: lower case, no articles, no marks. */
function plain(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/\b(a|an|the)\b/g, " ")
    .replaceAll(/[^\p{L}\p{N}.%$ -]/gu, "")
    .replaceAll(/(?<!\d)\.|\.(?!\d)/g, "")
    .replaceAll(/\s+/g, " ")
    .trim();
}

function same(gold: string, goldScale: Scale, said: string, saidScale: Scale): boolean {
  const truth = numberOf(gold);
  const value = numberOf(said);
  if (truth === null || value === null) return plain(gold) === plain(said);
  const scaleOf = (text: string, scale: Scale) =>
    sizes[text.includes("%") && scale === "" ? "percent" : scale];
  const truthSize = scaleOf(gold, goldScale);
  const valueSize = scaleOf(said, saidScale);
  // Gold answers are rounded to two places in their own scale.
  return truthSize === valueSize && Math.abs(truth - value) <= 0.0051;
}

function exact({ answer, scale }: Question, said: TableAnswer | undefined): boolean {
  if (said === undefined) return false;
  const gold = (Array.isArray(answer) ? answer : [answer]).map(String);
  const left = [...said.answers];
  if (gold.length !== left.length) return false;
  return gold.every((one) => {
    const at = left.findIndex((text) => same(one, scale, text, said.scale));
    if (at >= 0) left.splice(at, 1);
    return at >= 0;
  });
}

/** Overlap of words of the two answers, numbers being words; 1 where they are exactly the same. */
function overlap(question: Question, said: TableAnswer | undefined): number {
  if (exact(question, said)) return 1;
  if (said === undefined || question.answer_type === "arithmetic" || question.answer_type === "count")
    return 0;
  const words = (texts: readonly unknown[]) => texts.flatMap((text) => plain(String(text)).split(" "));
  const gold = words(Array.isArray(question.answer) ? question.answer : [question.answer]);
  const mine = words(said.answers);
  const shared = [...new Set(gold)].filter((word) => mine.includes(word)).length;
  return shared === 0 ? 0 : (2 * shared) / (new Set(gold).size + new Set(mine).size);
}

/** Questions about a table and the paragraphs around it, all of them given. */
export const tatqa: EvalSet = {
  name: "tatqa",
  files: [["tatqa", /\.json(\.gz)?$/]],
  async run([file]) {
    const contexts = JSON.parse(readText(file!)) as Context[];
    const scored = contexts.flatMap(({ table, paragraphs, questions }) => {
      const texts = paragraphs.map(({ text }) => text);
      return questions.map((question) => {
        const said = answerFromTable(question.question, table.table, texts);
        return { type: question.answer_type, right: exact(question, said), f1: overlap(question, said) };
      });
    });
    const share = (metric: string, of: typeof scored, aim?: string): Measure => {
      const count = of.filter(({ right }) => right).length;
      const measure = { set: "tatqa", metric, value: count / of.length, n: of.length, count };
      return aim === undefined ? measure : { ...measure, aim };
    };
    const only = (...types: string[]) => scored.filter(({ type }) => types.includes(type));
    return [
      share("exact_match", only("arithmetic", "span"), "≥ 0.45"),
      share("exact_match_all", scored),
      share("exact_match_arithmetic", only("arithmetic")),
      share("exact_match_span", only("span")),
      { set: "tatqa", metric: "f1", value: mean(scored.map(({ f1 }) => f1)), n: scored.length },
    ];
  },
};
