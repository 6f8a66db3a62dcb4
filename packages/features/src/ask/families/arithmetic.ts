import { fixedFractional } from "@tapedeck/quant/sizing/size";
import type { EvidenceItem } from "../../evidence/contract.ts";
import type { Instrument } from "../../series/contract.ts";
import { Declined } from "../answer.ts";
import { formatCount, formatNumber, formatPercent } from "../format.ts";
import { defineFamily, say, subject } from "./family.ts";

function computed(formula: string, value: number, unit: string): EvidenceItem {
  return { kind: "request", formula, value, unit };
}

interface SizeArgs extends Record<string, unknown> {
  instrument: Instrument;
  equity: number;
  /** A fraction of the equity. */
  risk: number;
  stop: number;
}

/** How many units a stop and a risk allow. */
export const positionSize = defineFamily<SizeArgs>({
  name: "positionSize",
  takes: ["numbers"],
  words:
    "buy bought position size risk share unit stop account capital equity price dollar usd need lose loss",
  about: "How many units to hold so that a stop loses a given share of the equity, with the arithmetic",
  examples: [
    "How many units of the S&P 500 risk 1% of 100,000 with a stop at 2,700?",
    "Position size for AAPL: risk 2% of 50,000, stop at 200",
  ],
  understand(q, hint) {
    if (!q.matches(/ stop /) || !q.matches(/ (?:risk|risks|risking|position size|sizing) /)) return undefined;
    const share = q.numbers.find(({ percent }) => percent);
    const plain = q.numbers.filter(({ percent }) => !percent).map(({ value }) => value);
    if (share === undefined || plain.length !== 2 || q.numbers.length !== 3) return undefined;
    const stopFirst = q.text.indexOf(" stop ") < q.text.lastIndexOf(" of ");
    const [equity, stop] =
      stopFirst && plain[0]! < plain[1]! ? [plain[1]!, plain[0]!] : [plain[0]!, plain[1]!];
    return { instrument: subject(q, hint), equity, risk: share.value / 100, stop };
  },
  async run({ instrument, equity, risk, stop }, tools) {
    const bars = await tools.readBars(instrument, undefined, { newest: true });
    const entry = bars.dataset.columns.close[bars.last]!;
    if (entry === stop) throw new Declined("The stop is at the last close, so that nothing is at risk.");
    const units = Math.floor(fixedFractional(equity, risk, entry, stop));
    const [atRisk, distance, notional] = [equity * risk, Math.abs(entry - stop), units * entry];
    const text = `${formatCount(units)} units of ${bars.title}: ${formatPercent(risk)} of ${formatNumber(equity)} is ${formatNumber(atRisk)}, and from the last close of ${bars.price(entry)} ${bars.at(bars.last)} to the stop at ${bars.price(stop)} a unit loses ${bars.price(distance)} (${formatNumber(atRisk)} / ${formatNumber(distance)}, rounded down).`;
    return {
      drafts: [
        say(
          bars,
          text,
          computed(`floor(${equity} * ${risk} / abs(entry - stop))`, units, "count"),
          computed(`share of equity at risk: ${formatPercent(risk)}`, risk, "fraction"),
          computed(`${equity} * ${risk}`, atRisk, "number"),
          computed("abs(entry - stop)", distance, bars.unit),
          computed("stop", stop, bars.unit),
          bars.value("close", bars.last, entry, bars.unit),
        ),
        say(
          bars,
          `They cost ${bars.price(notional)}${notional > equity ? `, more than the equity of ${formatNumber(equity)}, so that they could not be paid without borrowing` : ""}; this is arithmetic, not advice.`,
          computed(`${units} * entry`, notional, bars.unit),
          ...(notional > equity ? [computed("equity", equity, "number")] : []),
        ),
      ],
    };
  },
});

/** What a loss takes to be made good. */
export const requiredGain = defineFamily<{ loss: number }>({
  name: "requiredGain",
  takes: ["numbers"],
  words:
    "gain rise return increase up loss lose lost fall fell drop dropped decline down after drawdown make made back good break even breakeven recover recoup offset need must require required has to take percent percentage",
  about: "The gain that makes good a loss, with the arithmetic",
  examples: [
    "What gain is needed to recover a 50% loss?",
    "How much must it rise to make up for a fall of 20%?",
  ],
  understand(q) {
    const [loss, more] = q.numbers;
    if (loss?.percent !== true || more !== undefined || q.instruments.length > 0) return undefined;
    const recovers = q.matches(
      / (?:recover|makes? up|make good|break even|breakeven|recoup|offset|get back|make back|made back) /,
    );
    const needs = q.matches(/ (?:need|needed|needs|must|required|have to|has to|takes?|gain) /);
    return recovers && needs && loss.value > 0 && loss.value < 100 ? { loss: loss.value / 100 } : undefined;
  },
  run({ loss }) {
    const gain = 1 / (1 - loss) - 1;
    return Promise.resolve({
      drafts: [
        {
          text: `A loss of ${formatPercent(loss)} takes a gain of ${formatPercent(gain)} to be made good: 1 / (1 − ${formatNumber(loss)}) − 1.`,
          cite: [computed(`1 / (1 - ${loss}) - 1`, gain, "fraction"), computed("loss", loss, "fraction")],
          names: [],
        },
      ],
    });
  },
});
