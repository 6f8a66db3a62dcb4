/** Counts compared values and remembers the largest deviation and the first disagreement. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { GoldenEntry, GoldenResult } from "./golden.ts";
import { describeTolerance, readText } from "./golden.ts";

export interface Tolerance {
  /** Allowed deviation as a share of the reference value. */
  readonly rel?: number;
  /** Allowed deviation on top of it. */
  readonly abs?: number;
}

export type Numbers = ArrayLike<number | null | undefined>;

export class Tally {
  private values = 0;
  private worst = 0;
  private deviation = 0;
  private fault: string | undefined;
  private readonly widest = { rel: 0, abs: 0 };

  /** A number against its reference; a reference of null means undefined here too. */
  near(got: number | null | undefined, want: number | null | undefined, t: Tolerance, what: string): void {
    this.values++;
    this.allow(t.rel ?? 0, t.abs ?? 0);
    if (want === null || want === undefined || got === null || got === undefined) {
      const none = (v: number | null | undefined): boolean =>
        v === null || v === undefined || Number.isNaN(v);
      if (none(got) !== none(want)) this.fault ??= `${what}: ${got} for ${want}`;
      return;
    }
    const gap = Math.abs(got - want);
    if (gap === 0 || got === want) return;
    const allowed = (t.rel ?? 0) * Math.abs(want) + (t.abs ?? 0);
    const off = gap / allowed;
    this.deviation = Math.max(
      this.deviation,
      t.rel ? Math.min(gap / Math.abs(want), gap / (allowed / t.rel)) : gap,
    );
    if (!(off <= this.worst)) this.worst = Number.isNaN(off) ? Infinity : off;
    if (!(off <= 1)) this.fault ??= `${what}: ${got} for ${want}`;
  }

  nearAll(got: Numbers, want: Numbers, t: Tolerance, what: string): void {
    if (got.length !== want.length) this.fault ??= `${what}: ${got.length} values for ${want.length}`;
    for (let i = 0; i < want.length; i++) this.near(got[i], want[i], t, `${what}[${i}]`);
  }

  /** A value that must be at least the reference, less a slack. */
  reaches(got: number, least: number, slack: number, what: string): void {
    this.values++;
    this.allow(0, slack);
    const below = least - got;
    if (below > 0) {
      this.deviation = Math.max(this.deviation, below);
      this.worst = Math.max(this.worst, slack > 0 ? below / slack : Infinity);
    }
    if (!(below <= slack)) this.fault ??= `${what}: ${got} does not reach ${least}`;
  }

  same(got: unknown, want: unknown, what: string): void {
    this.values++;
    const [a, b] = [JSON.stringify(got), JSON.stringify(want)];
    if (a !== b) this.fault ??= `${what}: ${a} for ${b}`;
  }

  /** Something that must be refused. */
  refused(compute: () => unknown, what: string): void {
    this.values++;
    try {
      this.fault ??= `${what}: ${String(compute())} instead of a refusal`;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }

  result(counterpart: string, reference: string): GoldenResult {
    const { values, worst, deviation, fault } = this;
    const tolerance = describeTolerance(this.widest.rel, this.widest.abs);
    const result = { values, worst, deviation, tolerance, counterpart, reference };
    return fault === undefined ? result : { ...result, fault };
  }

  private allow(rel: number, abs: number): void {
    this.widest.rel = Math.max(this.widest.rel, rel);
    this.widest.abs = Math.max(this.widest.abs, abs);
  }
}

/** A JSON file of reference values, gzipped or not. */
export function readJson<T>(folder: string, name: string): T {
  return JSON.parse(readText(join(folder, name))) as T;
}

export interface ManifestEntry {
  readonly key: string;
  readonly file: string;
  readonly function?: string;
  readonly library?: string | null;
  readonly tolerance: unknown;
}

/** Entries of a manifest, without inputs and those marked for reading. */
export function manifestEntries(folder: string): ManifestEntry[] {
  const text = readFileSync(join(folder, "manifest.json"), "utf8");
  const manifest = JSON.parse(text) as ManifestEntry[] | { entries: ManifestEntry[] };
  const entries = Array.isArray(manifest) ? manifest : manifest.entries;
  return entries.filter((e) => e.tolerance !== "none" && !/^(the )?input( of|$)/.test(e.function ?? ""));
}

/** Entries of a folder with their comparisons by key, each over the folder's values; one without stays unanswered. */
export function comparedEntries<Source>(
  folder: string,
  entries: readonly ManifestEntry[],
  source: Source,
  comparisons: Readonly<Record<string, (source: Source, tally: Tally) => string>>,
): GoldenEntry[] {
  return entries.map(({ key, library }) => {
    const id = `${folder}/${key}`;
    const compare = comparisons[key];
    if (compare === undefined) return { id };
    return {
      id,
      compare: () => {
        const tally = new Tally();
        return tally.result(compare(source, tally), library ?? "definition");
      },
    };
  });
}
