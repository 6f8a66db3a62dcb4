/**
 * Remembers for a short time who a credential belongs to; requests that arrive together share one look-up.
 * Failures are not kept. Bounded: the oldest entry goes first.
 */
export interface CredentialCache<T> {
  get(key: string, load: () => Promise<T>): Promise<T>;
  clear(): void;
}

export function createCredentialCache<T>(options: {
  now: () => number;
  maxAgeMs: number;
  maxEntries: number;
}): CredentialCache<T> {
  const entries = new Map<string, { untilMs: number; value: Promise<T> }>();
  return {
    async get(key, load) {
      const found = entries.get(key);
      if (found !== undefined && options.now() < found.untilMs) return found.value;
      entries.delete(key);
      if (entries.size >= options.maxEntries) entries.delete(entries.keys().next().value!);
      const entry = { untilMs: options.now() + options.maxAgeMs, value: load() };
      entries.set(key, entry);
      try {
        return await entry.value;
      } catch (error) {
        if (entries.get(key) === entry) entries.delete(key);
        throw error;
      }
    },
    clear() {
      entries.clear();
    },
  };
}
