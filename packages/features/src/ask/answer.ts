import type { EvidenceItem } from "../evidence/contract.ts";
import type { AskResult, MissingData } from "./contract.ts";

/** A sentence before its check: what it says and what it rests on. */
export interface Draft {
  text: string;
  cite: EvidenceItem[];
  /** Names in it that hold digits, such as "S&P 500". */
  names: string[];
}

export interface Answer {
  drafts: Draft[];
  /** Questions that may follow. */
  suggestions?: string[];
  /** What of the question the sentences leave open, and why. */
  message?: string;
}

/** Thrown where the question has no answer here: says why, what would be needed, and what can be asked. */
export class Declined extends Error {
  readonly status: AskResult["status"];
  readonly suggestions: string[];
  readonly missing: MissingData[];

  constructor(
    message: string,
    options: { suggestions?: string[]; missing?: MissingData[]; status?: "declined" | "clarify" } = {},
  ) {
    super(message);
    this.name = "Declined";
    this.status = options.status ?? "declined";
    this.suggestions = options.suggestions ?? [];
    this.missing = options.missing ?? [];
  }
}

/** The question fits several things: the questions to choose from. */
export function clarify(message: string, suggestions: string[]): Declined {
  return new Declined(message, { status: "clarify", suggestions });
}
