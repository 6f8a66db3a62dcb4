import { useState } from "react";
import { Link } from "react-router";
import type { ResultOf } from "@tapedeck/core";
import type { ask } from "@tapedeck/features/ask/contract";
import { EvidenceDialog } from "../../components/evidence.tsx";
import { StateBadge } from "../../components/state.tsx";

export type AskResult = ResultOf<typeof ask>;

/** A sentence with its markers [n] as buttons that open their evidence. */
export function Sentence({
  text,
  evidenceIds,
  open,
}: {
  text: string;
  evidenceIds: readonly string[];
  open: (id: string) => void;
}) {
  let used = 0;
  return (
    <p className="answer">
      {text.split(/(\[\d+\])/).map((part, i) => {
        if (!/^\[\d+\]$/.test(part)) return part;
        const id = evidenceIds[Math.min(used++, evidenceIds.length - 1)]!;
        return (
          <button
            key={i}
            type="button"
            className="cite"
            aria-label={`Open evidence ${part}`}
            onClick={() => open(id)}
          >
            {part}
          </button>
        );
      })}
    </p>
  );
}

export function Answer({ result, onAsk }: { result: AskResult; onAsk?: (question: string) => void }) {
  const [opened, setOpened] = useState<string>();
  const byNumber = new Map(result.citations.map((citation) => [citation.number, citation.evidenceId]));
  const idsIn = (text: string, fallback: readonly string[]) => {
    const ids = [...text.matchAll(/\[(\d+)\]/g)].map((match) => byNumber.get(Number(match[1])));
    return ids.every((id) => id !== undefined) && ids.length > 0 ? ids : fallback;
  };
  return (
    <div>
      <p className="dim">
        <StateBadge state={result.status} /> {result.understood ?? ""}
        {result.model === null ? "" : ` · model ${result.model}`}
      </p>
      {result.notice === null ? null : <div className="notice">{result.notice}</div>}
      {result.sentences.map((sentence, i) => (
        <Sentence
          key={i}
          text={sentence.text}
          evidenceIds={idsIn(sentence.text, sentence.evidenceIds)}
          open={setOpened}
        />
      ))}
      {result.message === null ? null : <p className="answer">{result.message}</p>}
      {result.missing.map((missing) => (
        <div key={missing.what} className="notice">
          <strong>{missing.what}</strong>
          <pre>{missing.command}</pre>
          <Link to="/import">Import it</Link>
        </div>
      ))}
      {result.suggestions.length === 0 ? null : (
        <>
          <p className="dim">{result.status === "clarify" ? "Did you mean" : "What can be asked"}</p>
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
      )}
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
