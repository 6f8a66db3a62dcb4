import { sha256 } from "@tapedeck/core/hash";

/** `A.TEST and 2 more`. */
export function labelOf(instrumentIds: readonly string[]): string {
  const [first, ...others] = instrumentIds;
  return others.length === 0 ? first! : `${first} and ${others.length} more`;
}

/** Of a set of instruments, in whatever order: sha256 over their sorted ids, one a line. */
export function instrumentsHash(instrumentIds: readonly string[]): string {
  return sha256(instrumentIds.toSorted().join("\n"));
}

/** Of what a run read of its instruments, in the order of their ids: the one's hash, or sha256 over those of all, one a line. */
export function datasetsHash(hashes: readonly string[]): string {
  return hashes.length === 1 ? hashes[0]! : sha256(hashes.join("\n"));
}
