import { Link } from "react-router";
import type { CallTone, SentimentResult as SentimentOutcome } from "@tapedeck/features/sentiment/contract";
import { date, number, percent } from "../../components/format.ts";

export type { SentimentOutcome };

type Item = SentimentOutcome["items"][number];

const shownItems = 200;
const shownWords = 5;
const classOf = { positive: "good", negative: "bad", neutral: "dim" } as const;

/** Scores of texts and documents with the words that decided, and how calls sound. */
export function SentimentResult({ result }: { result: SentimentOutcome }) {
  const { items, counts, meanScore } = result;
  return (
    <div className="scroll">
      <p>
        {counts.positive} positive, {counts.negative} negative, {counts.neutral} neutral; mean score{" "}
        {number(meanScore)}.
      </p>
      <table>
        <thead>
          <tr>
            <th>Text</th>
            <th className="num">Score</th>
            <th />
            <th>Decided by</th>
          </tr>
        </thead>
        <tbody>
          {items.slice(0, shownItems).map((item) => (
            <tr key={item.id}>
              <td>
                {item.document === null ? (
                  item.id
                ) : (
                  <Link to={`/documents/${item.document.id}?version=${item.document.version}`}>
                    {item.document.title}
                  </Link>
                )}
              </td>
              <td className="num">{number(item.score)}</td>
              <td className={classOf[item.label]}>{item.label}</td>
              <td>{decidingWords(item)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {items.length > shownItems ? <p className="dim">and {items.length - shownItems} more</p> : null}
      {items.map((item) =>
        item.call === null ? null : (
          <Call key={item.id} title={item.document?.title ?? item.id} call={item.call} />
        ),
      )}
    </div>
  );
}

function decidingWords({ words }: Item): string {
  return words
    .toSorted((a, b) => Math.abs(b.weight) - Math.abs(a.weight))
    .slice(0, shownWords)
    .map((word) => word.text)
    .join(", ");
}

function signed(change: number | null | undefined, show: (value: number) => string): string {
  if (change === null || change === undefined) return "";
  return change > 0 ? `+${show(change)}` : show(change);
}

/** An earnings call: what was prepared, the answers, and each speaker; beside them the change since the call before. */
function Call({ title, call }: { title: string; call: CallTone }) {
  const { previous } = call;
  const parts = [
    ["Company", call.company, previous?.change.company],
    ["Prepared remarks", call.prepared, previous?.change.prepared],
    ["Answers", call.answers, previous?.change.answers],
    ["Analysts' questions", call.questions, undefined],
    ...call.speakers.map(
      (one) => [[one.speaker, one.role].filter(Boolean).join(", "), one, undefined] as const,
    ),
  ] as const;
  return (
    <>
      <h3>Tone of {title}</h3>
      <table>
        <thead>
          <tr>
            <th>Who</th>
            <th className="num">Score</th>
            <th />
            <th className="num">Change</th>
            <th className="num">Hedging</th>
            <th className="num">Words</th>
          </tr>
        </thead>
        <tbody>
          {parts.map(([who, tone, change]) =>
            tone === null ? null : (
              <tr key={who}>
                <td>{who}</td>
                <td className="num">{number(tone.score)}</td>
                <td className={classOf[tone.label]}>{tone.label}</td>
                <td className="num">{signed(change, number)}</td>
                <td className="num">{percent(tone.hedging)}</td>
                <td className="num">{number(tone.words, 0)}</td>
              </tr>
            ),
          )}
        </tbody>
      </table>
      {previous === null ? (
        <p className="dim">No call of the company is stored before it.</p>
      ) : (
        <p className="dim">
          Changes since{" "}
          <Link to={`/documents/${previous.documentId}?version=${previous.version}`}>{previous.title}</Link>,{" "}
          {date(previous.publishedMs)}; hedging {signed(previous.change.hedging, (value) => percent(value))}.
        </p>
      )}
    </>
  );
}
