import {
  americanPrice,
  barrierOption,
  black76,
  blackScholes,
  digitalOption,
  impliedVolatility,
} from "@tapedeck/quant/options/index";
import type { OptionInputs } from "@tapedeck/quant/options/index";
import { citeFigures, pace } from "../kind.ts";
import type { AnalysisKind, FigureDraft } from "../kind.ts";
import type { OptionsPayload, OptionsResult } from "./contract.ts";

const curvePoints = 81;

/** Labels, units and meanings of what the models give. */
const meanings: Record<string, readonly [label: string, unit: string, reading: string]> = {
  price: ["Price", "price", "of one option on one unit"],
  volatility: ["Volatility", "a year", "as given, or as the price implies"],
  delta: ["Delta", "price per unit of spot", "change of the price with the spot"],
  gamma: ["Gamma", "delta per unit of spot", "change of delta with the spot"],
  vega: ["Vega", "price per 1.00 of volatility", "divide by 100 for one point of volatility"],
  theta: ["Theta", "price a year", "divide by 365 for one day"],
  rho: ["Rho", "price per 1.00 of rate", "divide by 100 for one point of the rate"],
  phi: ["Phi", "price per 1.00 of dividend yield", "change of the price with the yield"],
  dualDelta: ["Dual delta", "price per unit of strike", "change of the price with the strike"],
  dualGamma: ["Dual gamma", "dual delta per unit of strike", "curvature in the strike"],
  vanna: ["Vanna", "delta per 1.00 of volatility", "change of delta with the volatility"],
  volga: ["Volga", "vega per 1.00 of volatility", "change of vega with the volatility"],
  charm: ["Charm", "delta a year", "change of delta with time"],
  veta: ["Veta", "vega a year", "change of vega with time"],
  speed: ["Speed", "gamma per unit of spot", "change of gamma with the spot"],
};

function inputsOf(payload: OptionsPayload): OptionInputs {
  const { type, spot, strike, years, rate, dividend } = payload;
  const given = { type, spot, strike, years, rate, dividend };
  return { ...given, volatility: payload.volatility ?? impliedVolatility(given, payload.price!) };
}

/** Price, and the Greeks that the model has in closed form. */
function valueOf(payload: OptionsPayload, inputs: OptionInputs): Record<string, number | null> {
  switch (payload.model) {
    case "blackScholes":
      return { ...blackScholes(inputs) };
    case "black76":
      return { ...black76({ ...inputs, forward: inputs.spot }) };
    case "american":
      return { price: americanPrice(inputs, payload.steps) };
    case "cashOrNothing":
    case "assetOrNothing":
      return { price: digitalOption(inputs)[payload.model] };
    case "barrier":
      return { price: barrierOption(inputs, payload.barrierKind!, payload.barrier!) };
  }
}

function callOf(payload: OptionsPayload, inputs: OptionInputs): string {
  const { type, spot, strike, years, rate, dividend, volatility } = inputs;
  const steps = payload.model === "american" ? `, steps ${payload.steps}` : "";
  const barrier = payload.model === "barrier" ? `, ${payload.barrierKind} ${payload.barrier}` : "";
  return `${payload.model}(${type}, spot ${spot}, strike ${strike}, years ${years}, rate ${rate}, dividend ${dividend}, volatility ${volatility}${steps}${barrier})`;
}

/** What exercise at this spot pays. A barrier is taken as not in the way. */
function payoff({ model, type, strike }: OptionsPayload, spot: number): number {
  const gain = type === "call" ? spot - strike : strike - spot;
  if (model === "cashOrNothing") return gain > 0 ? 1 : 0;
  if (model === "assetOrNothing") return gain > 0 ? spot : 0;
  return Math.max(0, gain);
}

export const options: AnalysisKind<OptionsPayload, OptionsResult> = {
  instruments: () => [],

  async run(payload, input) {
    const inputs = inputsOf(payload);
    const call = callOf(payload, inputs);
    const drafts = Object.fromEntries(
      Object.entries({ ...valueOf(payload, inputs), volatility: inputs.volatility }).map(
        ([name, value]): [string, FigureDraft] => {
          const [label, unit, reading] = meanings[name]!;
          const isGreek = name !== "price" && name !== "volatility";
          return [
            name,
            {
              group: isGreek ? "Greeks" : "Value",
              label,
              formula:
                name === "volatility" && payload.price !== undefined
                  ? `impliedVolatility(${payload.type}, price ${payload.price}, spot ${payload.spot}, strike ${payload.strike}, years ${payload.years}, rate ${payload.rate}, dividend ${payload.dividend})`
                  : `${call}.${name}`,
              value,
              unit,
              reading: value === null ? "not defined at expiry or without volatility" : reading,
            },
          ];
        },
      ),
    );
    const figures = await citeFigures(input, drafts);
    const curve: OptionsResult["curve"] = { spot: [], price: [], intrinsic: [] };
    for (let i = 0; i < curvePoints; i++) {
      const spot = payload.strike * (0.5 + i / (curvePoints - 1));
      curve.spot.push(spot);
      curve.price.push(valueOf(payload, { ...inputs, spot })["price"]!);
      curve.intrinsic.push(payoff(payload, spot));
      if (i % 10 === 0) await pace(input, i, curvePoints);
    }
    return {
      kind: "options",
      model: payload.model,
      type: payload.type,
      figures,
      curve,
      seriesRef: null,
      evidenceIds: [...new Set(Object.values(figures).map((one) => one.evidenceId))],
    };
  },
};
