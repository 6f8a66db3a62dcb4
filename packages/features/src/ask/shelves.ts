import { createFigures, createFilingSearch, createQuarters } from "@tapedeck/text/filings/index";
import type { Figures, FilingPage, FilingSearch, Quarters } from "@tapedeck/text/filings/index";

/** Pages of filings made ready to be searched and read for figures, each when it is first asked for. */
export interface Shelf<Page extends FilingPage> {
  pages: readonly Page[];
  search(): FilingSearch;
  figures(): Figures;
  quarters(): Quarters;
}

export function createShelf<Page extends FilingPage>(pages: readonly Page[]): Shelf<Page> {
  let search: FilingSearch | undefined;
  let figures: Figures | undefined;
  let quarters: Quarters | undefined;
  return {
    pages,
    search: () => (search ??= createFilingSearch(pages)),
    figures: () => (figures ??= createFigures(pages)),
    quarters: () => (quarters ??= createQuarters(pages)),
  };
}

/**
 * Keeps what was made from the same documents, since that takes seconds where there are thousands of pages. By the documents' ids
 * and versions, whose text never changes; who may read them is asked before, each time. At most `most` pages, those used
 * longest ago go first.
 */
export function createShelves<Page extends FilingPage>(most: number) {
  const kept = new Map<string, Shelf<Page>>();
  let held = 0;
  return {
    get(key: string, read: () => readonly Page[]): Shelf<Page> {
      const have = kept.get(key);
      if (have !== undefined) {
        kept.delete(key);
        kept.set(key, have);
        return have;
      }
      const shelf = createShelf(read());
      if (shelf.pages.length > most) return shelf;
      kept.set(key, shelf);
      held += shelf.pages.length;
      for (const [oldest, { pages }] of kept) {
        if (held <= most) break;
        kept.delete(oldest);
        held -= pages.length;
      }
      return shelf;
    },
    /** Pages held. */
    get held() {
      return held;
    },
  };
}
