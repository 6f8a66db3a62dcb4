import type { Book } from "@tapedeck/features/ticks/contract";
import { useEffect, useState } from "react";
import { number, time } from "../../components/format.ts";
import { live } from "../../live.ts";

type Level = Book["bids"][number];

/** Levels that are shown of each side. */
const shownLevels = 10;
const drawMs = 200;

/** A side after changes: a size of 0 takes the level away. */
export function applyLevels(
  side: readonly Level[],
  changes: readonly Level[],
  best: "high" | "low",
): Level[] {
  const sizes = new Map(side);
  for (const [price, size] of changes) {
    if (size === 0) sizes.delete(price);
    else sizes.set(price, size);
  }
  return [...sizes].toSorted(([a], [b]) => (best === "high" ? b - a : a - b));
}

/** The book as it is now; null where the venue has told none. */
function useBook(instrumentId: string): Book | null {
  const [shown, setShown] = useState<Book | null>(null);
  useEffect(() => {
    let book: Book | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const draw = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        setShown(book);
      }, drawMs);
    };
    const off = live.subscribe(
      { channel: "book", instrumentId },
      {
        snapshot(data) {
          book = data as Book | null;
          draw();
        },
        delta(data) {
          const changes = data as Book;
          book = {
            ...changes,
            bids: applyLevels(book?.bids ?? [], changes.bids, "high"),
            asks: applyLevels(book?.asks ?? [], changes.asks, "low"),
          };
          draw();
        },
      },
    );
    return () => {
      clearTimeout(timer);
      off();
    };
  }, [instrumentId]);
  return shown;
}

/** What rests on both sides, the best prices in the middle. */
export function OrderBook({ instrumentId }: { instrumentId: string }) {
  const book = useBook(instrumentId);
  if (book === null) return <p className="dim">The venue tells no order book.</p>;
  const bids = book.bids.slice(0, shownLevels);
  const asks = book.asks.slice(0, shownLevels).toReversed();
  const largest = Math.max(...[...bids, ...asks].map(([, size]) => size));
  const row = ([price, size]: Level, side: "up" | "down") => (
    <tr key={price}>
      <td className={`num ${side}`}>{number(price)}</td>
      <td className="num depth" style={{ ["--depth" as string]: `${(100 * size) / largest}%` }}>
        {number(size, 4)}
      </td>
    </tr>
  );
  return (
    <>
      <table aria-label="Order book">
        <thead>
          <tr>
            <th className="num">Price</th>
            <th className="num">Size</th>
          </tr>
        </thead>
        <tbody>
          {asks.map((level) => row(level, "down"))}
          <tr className="middle">
            <td className={`num ${book.crossed ? "bad" : "dim"}`} colSpan={2}>
              {book.crossed || bids.length === 0 || asks.length === 0
                ? "crossed"
                : `spread ${number(asks.at(-1)![0] - bids[0]![0])}`}
            </td>
          </tr>
          {bids.map((level) => row(level, "up"))}
        </tbody>
      </table>
      <p className="dim">{time(book.eventMs).slice(11)}</p>
    </>
  );
}
