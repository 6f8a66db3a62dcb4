/** Days after which news counts half, where none are given. */
export const sentimentHalfLife = 3;

/** Weight of "no news", whose score is 0: what the mean comes back to as news grows old. */
const neutralWeight = 1;

const dayMs = 86_400_000;

/** By which name a formula's data holds the sentiment of an instrument: its rows have the score as close, the weight as volume. */
export function sentimentSeries(instrument: string): string {
  return `sentiment:${instrument}`;
}

/** The instrument of such a name; undefined for another name. */
export function instrumentOfSentiment(series: string): string | undefined {
  return series.startsWith("sentiment:") ? series.slice("sentiment:".length) : undefined;
}

/** What is left of a weight after `ageMs`: halved every `halfLife` days. */
export function sentimentDecay(ageMs: number, halfLife: number): number {
  return 2 ** (-ageMs / (halfLife * dayMs));
}

/**
 * Mean of the scores of news, in [-1, 1], from the sum of their weights and of weight times score, both decayed to the
 * time of the last news and by `decay` since, with a neutral score of weight 1 among them. As news ages it comes back to 0:
 * sum(w_i d_i s_i) / (1 + sum(w_i d_i)), d_i = 2^(-age_i / halfLife).
 */
export function sentimentMean(sum: number, weights: number, decay: number): number {
  return (sum * decay) / (neutralWeight + weights * decay);
}
