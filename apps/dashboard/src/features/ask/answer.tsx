import { useState } from "react";
import { Link } from "react-router";
import type { ResultOf } from "@tapedeck/core";
import type { ask } from "@tapedeck/features/ask/contract";
import { EvidenceDialog } from "../../components/evidence.tsx";
import { StateBadge } from "../../components/state.tsx";
import { piecesOf } from "./operands.ts";
import type { Operand } from "./operands.ts";

export type AskResult = ResultOf<typeof ask>;

/** A sentence with its markers [n], and the numbers that its citations hold, as buttons that open their evidence. */
export function Sentence({
  text,
  operands,
  open,
}: {
  text: string;
  operands: readonly Operand[];
  open: (id: string) => void;
}) {
  return (
    <p className="answer">
      {piecesOf(text, operands).map((piece, i) => {
        if (piece.kind === "text") return piece.text;
        const label =
          piece.kind === "mark" ? `Open evidence ${piece.text}` : `Open what ${piece.text} rests on`;
        return (
          <button
            key={i}
            type="button"
            className={piece.kind === "mark" ? "cite" : "operand"}
            aria-label={label}
            onClick={() => open(piece.evidenceId)}
          >
            {piece.text}
          </button>
        );
      })}
    </p>
  );
}

/** While an answer streams: markers in the order in which the sentences brought their evidence. */
export function streamedOperands(sentences: readonly { text: string; evidenceIds: string[] }[]): Operand[] {
  const found = new Map<number, string>();
  for (const { text, evidenceIds } of sentences) {
    [...text.matchAll(/\[(\d+)\]/g)].forEach((match, i) => {
      const id = evidenceIds[i];
      if (id !== undefined) found.set(Number(match[1]), id);
    });
  }
  return [...found].map(([number, evidenceId]) => ({ number, evidenceId }));
}

export function Answer({ result, onAsk }: { result: AskResult; onAsk?: (question: string) => void }) {
  const [opened, setOpened] = useState<string>();
  return (
    <div>
      <p className="dim">
        <StateBadge state={result.status} /> {result.understood ?? ""}
        {result.model === null ? "" : ` · model ${result.model}`}
      </p>
      {result.notice === null ? null : <div className="notice">{result.notice}</div>}
      {result.sentences.map((sentence, i) => (
        <Sentence key={i} text={sentence.text} operands={result.citations} open={setOpened} />
      ))}
      {result.message === null ? null : <p className="answer">{result.message}</p>}
      {result.missing.map((missing) => (
        <div key={missing.what} className="notice">
          <strong>{missing.what}</strong>
          <pre>{missing.command}</pre>
          <Link to="/import">Import it</Link>
        </div>
      ))}
      <Suggestions result={result} {...(onAsk === undefined ? {} : { onAsk })} />
      {result.citations.length === 0 ? null : (
        <details>
          <summary className="dim">Citations ({result.citations.length})</summary>
          <ol className="dim">
            {result.citations.map((citation) => (
              <li key={citation.number} value={citation.number}>
                <button type="button" className="link" onClick={() => setOpened(citation.evidenceId)}>
                  {citation.label}
                </button>
              </li>
            ))}
          </ol>
        </details>
      )}
      {opened === undefined ? null : (
        <EvidenceDialog key={opened} id={opened} onClose={() => setOpened(undefined)} />
      )}
    </div>
  );
}

function Suggestions({ result, onAsk }: { result: AskResult; onAsk?: (question: string) => void }) {
  if (result.suggestions.length === 0) return null;
  return (
    <>
      <p className="dim">
        {result.status === "clarify"
          ? "Did you mean"
          : result.status === "answered"
            ? "What may follow"
            : "What can be asked"}
      </p>
      <ul>
        {result.suggestions.map((suggestion) => (
          <li key={suggestion}>
            {onAsk === undefined ? (
              suggestion
            ) : (
              <button type="button" className="link" onClick={() => onAsk(suggestion)}>
                {suggestion}
              </button>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}
