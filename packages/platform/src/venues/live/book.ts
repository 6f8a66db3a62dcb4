import { createOrderBook } from "@tapedeck/core";
import type { BookLevel, OrderBook } from "@tapedeck/core";

/** Levels of a book as a venue tells them; a level of size 0 is gone. */
export interface BookLevels {
  bids: readonly BookLevel[];
  asks: readonly BookLevel[];
}

/** A change of a book, or with `isImage` the whole of it. */
export interface BookUpdate extends BookLevels {
  symbol: string;
  eventMs: number;
  isImage: boolean;
  /** Numbers of the changes in it, where the venue counts them: the first, the last, the last of the update before. */
  firstId?: number;
  lastId?: number;
  previousId?: number | undefined;
  /** What the book has to come to, where the venue says so. */
  checksum?: number;
}

/** How a venue's updates follow each other. */
export interface BookRule {
  /** sent: the whole book comes on the socket. fetched: it is asked for by REST while updates wait. */
  image: "sent" | "fetched";
  /** Does an update belong after the image with this number? older: it is in the image already. */
  joins(update: BookUpdate, imageId: number): "older" | "joins" | "gap";
  /** Is it the next one after the update with this number? */
  follows(update: BookUpdate, lastId: number): "older" | "joins" | "gap";
  /** Levels that are kept of each side, where the venue says nothing of those beyond. */
  depth: number;
  /** The book's checksum as the venue makes it. */
  checksum?(symbol: string, book: OrderBook): number;
}

/** waiting: no image yet. changed: the book is right. broken: an update was skipped, or the checksum differs. */
export type BookState = "waiting" | "changed" | "broken" | "unchanged";

/** One symbol's book, kept by its venue's rule. After `broken` it waits for an image. */
export interface BookKeeper {
  readonly book: OrderBook;
  take(update: BookUpdate): BookState;
  /** Forgets all: the next image begins anew. */
  reset(): void;
}

/** Updates that wait for an image; beyond it the oldest go, and the image is asked for again where they are missed. */
const maxWaiting = 2_000;

export function createBookKeeper(rule: BookRule): BookKeeper {
  const book = createOrderBook();
  let waiting: BookUpdate[] | undefined = [];
  /** Number of the last change, and whether it is the image's. */
  let lastId = 0;
  let fresh = false;

  function apply({ bids, asks }: BookLevels): void {
    for (const [price, size] of bids) book.set("bid", price, size);
    for (const [price, size] of asks) book.set("ask", price, size);
    book.cut(rule.depth);
  }

  /** Waits for an image; what waits already stays, where an image can be older than it. */
  function wait(kept: BookUpdate[]): void {
    waiting = kept;
    book.clear();
  }

  function isSound(update: BookUpdate): boolean {
    return update.checksum === undefined || rule.checksum?.(update.symbol, book) === update.checksum;
  }

  function follow(update: BookUpdate): BookState {
    const place = fresh ? rule.joins(update, lastId) : rule.follows(update, lastId);
    if (place === "older") return "unchanged";
    if (place === "gap") return "broken";
    apply(update);
    lastId = update.lastId ?? lastId;
    fresh = false;
    return isSound(update) ? "changed" : "broken";
  }

  function begin(image: BookUpdate, held: readonly BookUpdate[]): BookState {
    book.clear();
    apply(image);
    waiting = undefined;
    lastId = image.lastId ?? 0;
    fresh = true;
    if (!isSound(image)) return "broken";
    for (const update of held) if (follow(update) === "broken") return "broken";
    return "changed";
  }

  return {
    book,
    reset: () => wait([]),
    take(update) {
      // What came before an image on the same socket is in it.
      const held = rule.image === "sent" ? [] : (waiting ?? []);
      if (!update.isImage && waiting !== undefined) {
        held.push(update);
        if (held.length > maxWaiting) held.shift();
        return "waiting";
      }
      const state = update.isImage ? begin(update, held) : follow(update);
      if (state === "broken") wait(update.isImage ? held : [update]);
      return state;
    },
  };
}
