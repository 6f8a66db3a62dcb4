import { editDistance } from "@tapedeck/core";
import { concepts } from "./concepts.ts";
import { allowedErrors } from "./names.ts";

/** Words of questions besides those of the concepts. */
const glue =
  "the and for from with its it's was were has have had did does what which who where how many much between during after before until since that this these those there here than then have been being over under into about per each any ever time times times point points level percent stock stocks index share shares market fund coin window period signal line upper lower band bands histogram value exponential simple weighted relative strength true range bollinger stochastic momentum average directional trend standard reach reached trade traded closing close closed opened bar bars tell show give please could would can you me my our compare versus january february march april may june july august september october november december jan feb mar apr jun jul aug sep sept oct nov dec quarter half decade ago past previous trailing yesterday one two three four five six seven eight nine ten twelve fifteen twenty thirty ninety rank ranked ranking sort beta summarise summarize summary report overview briefing monday mondays tuesday tuesdays wednesday wednesdays thursday thursdays friday fridays weekday weekdays seasonality seasonal support resistance cointegrated cointegration spread hedge ratio ratios streak streaks row consecutive winning losing gap gaps gapped spike spikes unusual rare normal skew skewed skewness exposed performing new make makes made cheap expensive court balance strategy strategies invest invested investing investment saved save kurtosis distribution distributed median typical quantile quantiles shortfall expected risk risks risky riskiest safest exposure alert alerts order orders rejected fired fire trigger triggered screen oversold overbought instrument instruments symbol symbols asset assets company companies performer performers gainer gainers loser losers mover movers commentary missed miss without rolling holding holdings hold held double doubled range backtest dip dips buying bought buy selling sold sell contributes contribution position positions size sizing unit units risking stop stops need needed must recover recovery happened after following since develop developed trend quarter fiscal net income margin assets debt cash today week fall falls drops drop jump jumps short shorted shorting shorts bill bills total gross net treasury leverage leveraged bad good well won win far steep steepest sharp sharpest".split(
    " ",
  );
const known = new Set<string>([
  ...glue,
  ...Object.values(concepts).flatMap((phrases) => phrases.flatMap((phrase) => phrase.split(" "))),
]);
/** Shorter words are too near to each other. */
const leastLetters = 3;
const longWord = 5;
const candidates = [...known].filter((word) => word.length >= leastLetters);

/** Is it a word of the questions that are understood? In small letters. */
export function isKnownWord(word: string): boolean {
  return known.has(word);
}

function sorted(word: string): string {
  return Array.from(word).sort().join("");
}

/** One letter left out, put in or two exchanged: in a short word another letter makes another word. */
function isSlip(written: string, word: string): boolean {
  if (editDistance(written, word) !== 1) return false;
  return written.length !== word.length || sorted(written) === sorted(word);
}

/**
 * The word of the questions that a misspelt one in small letters stands for; the word itself where it is known, too
 * short, or near none (a short one: near not exactly one).
 */
export function correctWord(word: string): string {
  if (word.length < leastLetters || known.has(word) || /\d/.test(word)) return word;
  if (word.length < longWord) {
    const near = candidates.filter((candidate) => isSlip(word, candidate));
    return near.length === 1 ? near[0]! : word;
  }
  let least = allowedErrors(word.length) + 1;
  let best = word;
  for (const candidate of candidates) {
    if (candidate.length < longWord || Math.abs(candidate.length - word.length) >= least) continue;
    const distance = editDistance(word, candidate);
    if (distance < least) [least, best] = [distance, candidate];
  }
  return best;
}

const openers = new Set(
  "what when which who where why how is are was were did does do has have had can could would should will tell show give list compare define explain describe find count name please".split(
    " ",
  ),
);

/** Is the first word of a question, as it was written, a misspelt opener rather than a name? `Waht`, not `DIS` or `Ford`. */
export function isMisspeltOpener(written: string): boolean {
  const word = written.toLowerCase();
  return written !== written.toUpperCase() && !known.has(word) && openers.has(correctWord(word));
}
