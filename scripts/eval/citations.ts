import type { Evidence, EvidenceItem } from "../../packages/features/src/evidence/contract.ts";
import type { AskFixture } from "../../packages/features/src/ask/fixture.ts";

/** A number as a text writes it. */
interface Written {
  /** With its sign and scale: "−1.2 million" is −1,200,000. */
  value: number;
  /** Half a unit of its last digit. */
  slack: number;
  percent: boolean;
  /** Told as a loss by the words before it: "fell 3 %", "15 % below". */
  lost: boolean;
}

const scales: Record<string, number> = { thousand: 1e3, million: 1e6, billion: 1e9 };
const losing =
  /\b(?:fell|lost|lose|loses|declined|dropped|down|loss|drawdown|value at risk|shortfall|behind|worse)\b[^.;:]*$/;

/** The numbers of a text, whole: none is a part of a longer one, of a date or of a word. */
function numbersIn(text: string): Written[] {
  const bare = text.replaceAll(/\b\d{4}-\d\d-\d\d\b/g, " ");
  return [
    ...bare.matchAll(
      /(?<![\p{L}\d.,])([-−]?)(\d[\d,]*(?:\.(\d+))?)( ?%)?(?: (thousand|million|billion)\b)?(?![\p{L}\d])/gu,
    ),
  ].map((match) => {
    const [whole, sign, digits, decimals, percent, scaleWord] = match;
    const at = match.index;
    const scale = scaleWord === undefined ? 1 : scales[scaleWord]!;
    return {
      value: (sign === "" ? 1 : -1) * Number(digits!.replaceAll(",", "")) * scale,
      slack: 0.5 * 10 ** -(decimals?.length ?? 0) * scale * (1 + 1e-9),
      percent: percent !== undefined,
      lost:
        losing.test(bare.slice(0, at)) ||
        /^(?: \w+){0,9} (?:below|less|lower|behind)\b/.test(bare.slice(at + whole.length)),
    };
  });
}

const ratios = new Set(["fraction", "return", "fraction a year"]);

/** Is a value written there with its sign, as its unit is written: a ratio in percent, anything else as it is? */
function tells(text: string, value: number, unit: string): boolean {
  return numbersIn(text).some((written) => {
    if (written.percent !== ratios.has(unit) && unit !== "number") return false;
    const want = written.percent ? 100 * value : value;
    const near = (have: number) => Math.abs(have - want) <= written.slack + 1e-12;
    return near(written.value) || (written.lost && near(-written.value));
  });
}

const little = new Set(["that", "from", "with", "over", "total"]);
const wordsOf = (text: string) =>
  new Set((text.toLowerCase().match(/\p{L}{4,}/gu) ?? []).filter((word) => !little.has(word)));

/** Share of the words of one text that another holds; six letters tell whether they are the same. */
function shareOf(of: string, held: string): number {
  const stem = (word: string) => word.slice(0, 6);
  const wanted = [...wordsOf(of)];
  const have = new Set([...wordsOf(held)].map(stem));
  return wanted.length === 0 ? 0 : wanted.filter((word) => have.has(stem(word))).length / wanted.length;
}

/** What is cited for words: its content words must be in the sentence. */
const leastWords = 0.7;

const dayNames = (ms: number) => {
  const date = new Date(ms);
  const month = date.toLocaleString("en-GB", { month: "long", timeZone: "UTC" });
  return [
    `${date.getUTCDate()} ${month} ${date.getUTCFullYear()}`,
    `${month} ${date.getUTCFullYear()}`,
    String(date.getUTCFullYear()),
  ];
};

/** Does a text say the time: its day, its month or its year? */
const says = (text: string, ms: number) => dayNames(ms).some((name) => text.includes(name));

const prices = ["open", "high", "low", "close", "volume"] as const;

/**
 * Does a citation support its sentence? Judged by another way than the answer's own check: a price is read again from its
 * dataset; a document's span is read again from its text; what is cited must be told by the sentence, or be the data of
 * the instrument and time that it speaks of.
 */
async function supports(sentence: string, { item }: Evidence, fixture: AskFixture): Promise<boolean> {
  const text = sentence.replaceAll(/ ?\[\d+\]/g, "");
  switch (item.kind) {
    case "rows": {
      const { columns } = await fixture.deps.series.byHash(item.datasetHash);
      const inside = columns.closeMs.filter((ms, i) => ms <= item.toMs && columns.openMs[i]! >= item.fromMs);
      return inside.length === item.bars;
    }
    case "computation":
      return (await isRight(item, fixture)) && isTold(item, text);
    case "request":
      if (item.value !== null && tells(text, item.value, item.unit)) return true;
      return (
        shareOf(item.formula, text) >= leastWords &&
        (item.value === null || item.value === 0 || (item.value > 0 ? saysUp : saysDown).test(text))
      );
    case "passage": {
      const row = await fixture.db
        .selectFrom("documentVersions")
        .select("text")
        .where("documentId", "=", item.documentId)
        .where("version", "=", item.version)
        .executeTakeFirst();
      // The knowledge base of a test has passages alone, each its own document.
      const stands =
        row === undefined
          ? item.documentId.startsWith("d")
          : item.end === 0
            ? item.text === item.title
            : row.text.slice(item.start, item.end) === item.text;
      return stands && quotes(text, item.text);
    }
    case "job": {
      const job = await fixture.deps.jobs.get(tenantOf(fixture), item.jobId);
      let value: unknown = job.result;
      for (const part of item.pointer.split("/").slice(1)) value = (value as Record<string, unknown>)[part];
      if (value !== item.value) return false;
      if (typeof value !== "number") return true;
      return item.pointer.endsWith("Ms") ? says(text, value - 1) : tells(text, value, unitIn(text, value));
    }
    case "account":
      return typeof item.value === "number"
        ? tells(text, item.value, unitIn(text, item.value))
        : text.includes(String(item.value));
    case "record":
      return Object.entries(item.values).some(([key, value]) => isRecordTold(key, value, text));
  }
}

/** A ratio where the text tells it in percent: job results and accounts carry no units. */
const unitIn = (text: string, value: number) => (tells(text, value, "fraction") ? "fraction" : "plain");

function isRecordTold(key: string, value: number | string | null, text: string): boolean {
  if (value === null) return false;
  if (typeof value === "string") return value.length > 1 && text.includes(value);
  return key.endsWith("Ms") ? says(text, value) : tells(text, value, "plain");
}

/** Without spaces and marks beside words: they are no part of what is said. */
const squeezed = (text: string) =>
  text.replaceAll(/(?<![\p{L}\d])[^\p{L}\d−(-]+|[^\p{L}\d%)]+(?![\p{L}\d])/gu, " ").trim();

/** Of the label of a row, half may be of the statement rather than of the figure ("attributable to … shareholders"). */
const leastLabel = 0.4;

/** A passage is quoted, says most of the sentence's words, or is a row: two of its numbers are told, or one with its label. */
function quotes(text: string, passage: string): boolean {
  const [said, held] = [squeezed(text), squeezed(passage)];
  if (held.includes(said) || said.includes(held) || shareOf(said, held) >= leastWords) return true;
  const told = numbersIn(passage).filter(({ value }) =>
    [1, 1e3, 1e6].some(
      (scale) => tells(text, value * scale, "plain") || tells(text, -value * scale, "plain"),
    ),
  );
  return told.length >= 2 || (told.length === 1 && shareOf(held, said) >= leastLabel);
}

const tenantOf = (fixture: AskFixture) => fixture.context().tenantId;

/** A plain price must be that of the dataset's bar. */
async function isRight(
  item: Extract<EvidenceItem, { kind: "computation" }>,
  fixture: AskFixture,
): Promise<boolean> {
  const field = prices.find((name) => name === item.formula);
  if (field === undefined || item.atMs === null) return true;
  const { columns } = await fixture.deps.series.byHash(item.datasetHash);
  const at = columns.closeMs.indexOf(item.atMs);
  return at >= 0 && columns[field][at] === item.value;
}

const saysNone = /\b(?:no|not|never|none|nothing|without|at all|did not change|highest)\b|\b0(?:\.0+)?\b/;
const saysUp = /\b(?:rose|rise|gain|gained|above|higher|better|ahead|up)\b/;
const saysDown = /\b(?:fell|fall|lost|loss|below|lower|worse|behind|down)\b/;

/** The value itself; or, of one that only decides what is said, its time and what it decides. */
function isTold(
  { value, atMs, unit, formula }: Extract<EvidenceItem, { kind: "computation" }>,
  text: string,
): boolean {
  const isTimed = atMs !== null && says(text, atMs - 1);
  if (unit === "condition") return isTimed || text.includes(formula);
  if (value === null) return false;
  if (tells(text, value, unit)) return true;
  if (value === 0) return saysNone.test(text);
  const isDirection = unit === "return" && (value > 0 ? saysUp : saysDown).test(text);
  return isDirection && (isTimed || shareOf(formula, text) >= leastWords);
}

/** Counts the citations of an answer and those that support their sentence; with EVAL_SHOW=1 prints the others. */
export async function countSupported(
  { result, ctx }: Awaited<ReturnType<AskFixture["ask"]>>,
  fixture: AskFixture,
): Promise<{ citations: number; supported: number }> {
  const count = { citations: 0, supported: 0 };
  for (const { text, evidenceIds } of result.sentences) {
    for (const id of evidenceIds) {
      count.citations++;
      const evidence = await fixture.deps.evidence.get(ctx.tenantId, id);
      if (await supports(text, evidence, fixture)) count.supported++;
      else if (process.env["EVAL_SHOW"] === "1")
        console.error(`${result.question} → ${text} ← ${JSON.stringify(evidence.item)}`);
    }
  }
  return count;
}
