import type { JobContext } from "@tapedeck/core";
import { isoDate } from "@tapedeck/core";
import type { EvidenceItem, EvidenceStore } from "../evidence/contract.ts";
import type { Draft } from "./answer.ts";
import type { AskResult } from "./contract.ts";
import { checkSentence } from "./guard.ts";
import { isNeutral, neutralised } from "./neutral.ts";

/** Lets sentences out, each after its check; keeps what was let out with its citations. */
export interface Release {
  sentence(draft: Draft): Promise<boolean>;
  /** Counts a sentence that was left out before its check. */
  drop(): void;
  readonly sentences: AskResult["sentences"];
  readonly citations: AskResult["citations"];
  /** What was cited, in the order of the citations. */
  readonly items: readonly EvidenceItem[];
  readonly dropped: number;
}

const maxSentences = 60;

export function createRelease(evidence: EvidenceStore, ctx: JobContext): Release {
  const sentences: AskResult["sentences"] = [];
  const citations: AskResult["citations"] = [];
  const items: EvidenceItem[] = [];
  const numbers = new Map<string, number>();
  let dropped = 0;

  function cite(id: string, item: EvidenceItem): number {
    const have = numbers.get(id);
    if (have !== undefined) return have;
    const number = citations.length + 1;
    numbers.set(id, number);
    citations.push({ number, evidenceId: id, label: neutralised(describe(item)), ...heldBy(item) });
    items.push(item);
    return number;
  }

  return {
    sentences,
    citations,
    items,
    get dropped() {
      return dropped;
    },
    drop() {
      dropped++;
    },
    async sentence(draft) {
      const checked = checkSentence(
        draft.text,
        draft.cite.map((item) => ({ item, names: draft.names })),
      );
      if (!checked.ok || !isNeutral(draft.text) || sentences.length >= maxSentences) {
        dropped++;
        ctx.log("warn", "sentence left out: a number in it has no evidence, or it holds markup", {
          text: draft.text,
          unbound: checked.unbound,
        });
        return false;
      }
      const ids = await evidence.addAll(ctx.tenantId, ctx.jobId, draft.cite);
      const marks = [...new Set(ids.map((id, i) => cite(id, draft.cite[i]!)))];
      const text = `${draft.text} ${marks.map((mark) => `[${mark}]`).join("")}`;
      const out = { text, evidenceIds: [...new Set(ids)] };
      sentences.push(out);
      ctx.sentence(out);
      return true;
    },
  };
}

const excerptLength = 300;

/** What of an item a reader can find again in the sentence that cites it. */
function heldBy(item: EvidenceItem): { value?: number; excerpt?: string } {
  if (item.kind === "passage") return { excerpt: item.text.slice(0, excerptLength) };
  return "value" in item && typeof item.value === "number" ? { value: item.value } : {};
}

const recordNames = {
  order: "order",
  alertTrigger: "alert trigger",
  event: "event",
  sentiment: "sentiment of",
} as const;

/** An evidence item in a line. */
export function describe(item: EvidenceItem): string {
  switch (item.kind) {
    case "rows":
      return `${item.instrumentId} ${item.timeframe}, ${item.bars} bars from ${isoDate(item.fromMs)} to ${isoDate(item.toMs - 1)}`;
    case "computation":
      return `${item.formula} of ${item.instrumentId}${item.atMs === null ? "" : ` at the close of ${isoDate(item.atMs - 1)}`}`;
    case "request":
      return item.formula;
    case "passage":
      return `${item.title}${item.section === "" ? "" : `, ${item.section}`}`;
    case "job":
      return `${item.pointer.slice(1)} of ${item.type} job ${item.jobId}`;
    case "record":
      return `${recordNames[item.record]} ${item.id ?? String(item.values["instrumentId"] ?? "")}`.trim();
    case "account":
      return `${item.pointer.slice(1)} of ${item.simulated ? "paper " : ""}account ${item.name}`;
  }
}
