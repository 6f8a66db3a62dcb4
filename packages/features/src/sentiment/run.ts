import { AppError, isoDate } from "@tapedeck/core";
import type { JobHandler, JobInput } from "@tapedeck/core";
import { sha256 } from "@tapedeck/core/hash";
import type { Db, Tx } from "../db.ts";
import type { EvidenceItem, EvidenceStore } from "../evidence/contract.ts";
import type { CallTone, sentiment, SentimentPayload, SentimentResult } from "./contract.ts";
import { loadPreviousCall } from "./store.ts";
import { readTranscript } from "@tapedeck/text/readers/transcript";
import { scoreText } from "@tapedeck/text/sentiment/score";
import type { TextScore } from "@tapedeck/text/sentiment/score";
import { callTone } from "@tapedeck/text/sentiment/tone";
import type { CallTone as ToneOfCall } from "@tapedeck/text/sentiment/tone";

export interface SentimentDeps {
  db: Db;
  evidence: EvidenceStore;
}

type Item = SentimentResult["items"][number];

/** Listed in a result; what is beyond is counted. */
const mostWords = 200;
const mostSentences = 500;
/** Passages cited for one document. */
const mostPassages = 10;
const passageLength = 2_000;
const mostSpeakers = 100;

interface StoredDocument {
  id: string;
  version: number;
  title: string;
  text: string;
  company: string | null;
  publishedMs: number;
}

/** The versions that were the newest at `asOfMs`; a document that was withdrawn by then is not there. */
async function documentsOf(
  db: Db,
  tenantId: string,
  { documentIds: ids = [], asOf }: SentimentPayload,
  asOfMs: number,
): Promise<StoredDocument[]> {
  if (ids.length === 0) return [];
  const rows = await db
    .selectFrom("documents")
    .innerJoin("documentVersions", "documentVersions.documentId", "documents.id")
    .select(["documents.id", "version", "title", "text", "company", "publishedMs"])
    .where("documents.id", "in", ids)
    .where("documents.space", "in", ["shared", tenantId])
    .where("documentVersions.publishedMs", "<=", asOfMs)
    .where((eb) => eb.or([eb("supersededMs", "is", null), eb("supersededMs", ">", asOfMs)]))
    .where((eb) => eb.or([eb("retiredMs", "is", null), eb("retiredMs", ">", asOfMs)]))
    .execute();
  return ids.map((id) => {
    const row = rows.find((one) => one.id === id);
    if (row === undefined) {
      throw new AppError(
        "data.missing",
        `There is no document ${id} here${asOf === undefined ? "" : ` as of ${isoDate(asOf)}`}; GET /api/documents lists those there are.`,
        {
          details: { documentId: id },
        },
      );
    }
    return row;
  });
}

function inputOf({ id, version, title }: StoredDocument): JobInput {
  return { kind: "document", ref: id, label: `${title}, version ${version}`, details: { version } };
}

function itemOf(
  id: string,
  score: TextScore,
  of: Pick<Item, "document" | "call" | "evidenceIds"> = { document: null, call: null, evidenceIds: [] },
): Item {
  const heaviest = score.words
    .toSorted((a, b) => Math.abs(b.weight) - Math.abs(a.weight))
    .slice(0, mostWords)
    .toSorted((a, b) => a.start - b.start);
  return {
    id,
    score: score.score,
    label: score.label,
    words: heaviest,
    wordsLeftOut: score.words.length - heaviest.length,
    sentences: score.sentences.slice(0, mostSentences),
    sentencesLeftOut: Math.max(0, score.sentences.length - mostSentences),
    entities: score.entities,
    ...of,
  };
}

function toneOf(text: string): ToneOfCall | null {
  const transcript = readTranscript(text);
  return transcript === null ? null : callTone(text, transcript.turns);
}

/** How a call sounds, and against the company's call before it; null for what is no transcript. */
function callOf(document: StoredDocument, before: StoredDocument | undefined): CallTone | null {
  const tone = toneOf(document.text);
  if (tone === null) return null;
  const speakers = tone.speakers.slice(0, mostSpeakers);
  const earlier = before === undefined ? null : toneOf(before.text);
  if (before === undefined || earlier === null) return { ...tone, speakers, previous: null };
  const change = (part: "company" | "prepared" | "answers", figure: "score" | "hedging" = "score") => {
    const [now, then] = [tone[part], earlier[part]];
    return now === null || then === null ? null : now[figure] - then[figure];
  };
  const { id: documentId, version, title, publishedMs } = before;
  return {
    ...tone,
    speakers,
    previous: {
      documentId,
      version,
      title,
      publishedMs,
      change: {
        company: change("company"),
        prepared: change("prepared"),
        answers: change("answers"),
        hedging: change("company", "hedging"),
      },
    },
  };
}

/** The sentences that weigh most, as passages. */
function passages(document: StoredDocument, score: TextScore): EvidenceItem[] {
  return score.sentences
    .filter((sentence) => sentence.score !== 0)
    .toSorted((a, b) => Math.abs(b.score) - Math.abs(a.score))
    .slice(0, mostPassages)
    .map(({ start, end }) => ({
      kind: "passage",
      documentId: document.id,
      version: document.version,
      title: document.title,
      section: "",
      page: null,
      start,
      end: Math.min(end, start + passageLength),
      text: document.text.slice(start, Math.min(end, start + passageLength)),
    }));
}

const run: JobHandler<typeof sentiment, SentimentDeps, Tx> = async (deps, payload, ctx) => {
  const documents = await documentsOf(deps.db, ctx.tenantId, payload, payload.asOf ?? ctx.now());
  const texts = payload.texts ?? [];
  const total = texts.length + documents.length;
  const items: Item[] = [];
  const turn = async () => {
    ctx.progress({ done: items.length, total });
    await new Promise((resolve) => setImmediate(resolve));
    ctx.signal.throwIfAborted();
  };
  for (const [i, { id, text, entities }] of texts.entries()) {
    if (i % 50 === 0) await turn();
    items.push(itemOf(id ?? String(i), scoreText(text, entities)));
  }
  for (const document of documents) {
    await turn();
    const { id, version, title } = document;
    ctx.input(inputOf(document));
    const score = scoreText(document.text);
    const evidenceIds = await deps.evidence.addAll(ctx.tenantId, ctx.jobId, passages(document, score));
    const before = await loadPreviousCall(deps.db, ctx.tenantId, document);
    if (before !== undefined) ctx.input(inputOf(before));
    const call = callOf(document, before);
    items.push(itemOf(id, score, { document: { id, version, title }, call, evidenceIds }));
  }
  ctx.progress({ done: total, total });
  const count = (label: Item["label"]) => items.filter((item) => item.label === label).length;
  return {
    items,
    counts: { positive: count("positive"), negative: count("negative"), neutral: count("neutral") },
    meanScore: items.reduce((sum, item) => sum + item.score, 0) / items.length,
    method: "rules",
  };
};

export const runSentiment = Object.assign(run, {
  /** The texts are in the payload; documents by the text that they have then. */
  async resolveInputs(
    deps: SentimentDeps,
    payload: SentimentPayload,
    scope: { tenantId: string; nowMs: number },
  ) {
    const { asOf = scope.nowMs, ...said } = payload;
    const documents = await documentsOf(deps.db, scope.tenantId, payload, asOf);
    const calls = await Promise.all(documents.map((one) => loadPreviousCall(deps.db, scope.tenantId, one)));
    const hashOf = ({ id, version, text }: StoredDocument) => `${id}:${version}:${sha256(text)}`;
    return {
      payload: said,
      hashes: [...documents, ...calls.filter((one) => one !== undefined)].map(hashOf),
    };
  },
});
