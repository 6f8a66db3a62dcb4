import type { Evidence, EvidenceItem } from "../../packages/features/src/evidence/contract.ts";
import type { AskFixture } from "../../packages/features/src/ask/fixture.ts";

/** Numbers of a text, sizes only, with how many decimals each is written. */
function numbersIn(text: string): { size: number; decimals: number }[] {
  return [...text.matchAll(/\d[\d,]*(?:\.(\d+))?/g)].map((match) => ({
    size: Number(match[0].replaceAll(",", "")),
    decimals: match[1]?.length ?? 0,
  }));
}

/** Is a value written there, as itself, as percent, in thousands or in millions? */
function tells(text: string, value: number): boolean {
  const size = Math.abs(value);
  return numbersIn(text).some(({ size: written, decimals }) =>
    [1, 100, 1e-3, 1e-6, 1e-9].some(
      (scale) => Math.abs(written - size * scale) <= 0.5 * 10 ** -decimals * (1 + 1e-9) + 1e-12,
    ),
  );
}

const wordsOf = (text: string) => new Set(text.toLowerCase().match(/\p{L}{4,}/gu) ?? []);

function share(of: string, held: string): number {
  const wanted = [...wordsOf(of)];
  const have = wordsOf(held);
  return wanted.length === 0 ? 1 : wanted.filter((word) => have.has(word)).length / wanted.length;
}

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
      return item.value === null
        ? share(item.formula, text) > 0.3
        : tells(text, item.value) || share(item.formula, text) >= 0.3;
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
      const squeezed = (one: string) => one.replaceAll(/\s+/g, " ").trim();
      return (
        stands &&
        (squeezed(item.text).includes(squeezed(text)) ||
          squeezed(text).includes(squeezed(item.text)) ||
          numbersIn(item.text).some(
            ({ size }) => tells(text, size) || tells(text, size * 1e3) || tells(text, size * 1e6),
          ))
      );
    }
    case "job": {
      const job = await fixture.deps.jobs.get(tenantOf(fixture), item.jobId);
      let value: unknown = job.result;
      for (const part of item.pointer.split("/").slice(1)) value = (value as Record<string, unknown>)[part];
      if (value !== item.value) return false;
      if (typeof value !== "number") return true;
      return tells(text, value) || (item.pointer.endsWith("Ms") && says(text, value - 1));
    }
    case "account":
      return typeof item.value !== "number" || item.value === 0 || tells(text, item.value);
    case "record":
      return Object.values(item.values).some((value) => value !== null && text.includes(String(value)));
  }
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

function isTold(
  { value, atMs, unit, formula }: Extract<EvidenceItem, { kind: "computation" }>,
  text: string,
): boolean {
  if (unit === "condition") return atMs !== null && (says(text, atMs - 1) || text.includes(formula));
  if (value !== null && (value === 0 || tells(text, value))) return true;
  // A value that only decides what is said ("did not gain") is of a time that the sentence tells, or is told in its words.
  return atMs !== null ? says(text, atMs - 1) : share(formula, text) >= 0.2;
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
