import { bondValue, bondYield } from "@tapedeck/quant/options/index";
import { citeFigures } from "../kind.ts";
import type { AnalysisKind } from "../kind.ts";
import type { BondPayload, BondResult } from "./contract.ts";

export const bond: AnalysisKind<BondPayload, BondResult> = {
  instruments: () => [],

  async run(payload, input) {
    const { face, couponRate, frequency, periods, price } = payload;
    const terms = { face, couponRate, frequency, periods };
    const yieldRate = payload.yieldRate ?? bondYield(terms, price!);
    const value = bondValue(terms, yieldRate);
    const said = `face ${face}, coupon ${couponRate}, ${frequency} a year, ${periods} left`;
    const call = `bond(${said}, yield ${yieldRate})`;
    const figures = await citeFigures(input, {
      price: {
        group: "Value",
        label: "Price",
        formula: `${call}.price`,
        value: value.price,
        unit: "price",
        reading: "of the coupons and the face",
      },
      yieldRate: {
        group: "Value",
        label: "Yield",
        formula: price === undefined ? `${call}.yield` : `bondYield(${said}, price ${price})`,
        value: yieldRate,
        unit: "fraction a year",
        reading: "as given, or as the price implies",
      },
      macaulayDuration: {
        group: "Sensitivity",
        label: "Macaulay duration",
        formula: `${call}.macaulayDuration`,
        value: value.macaulayDuration,
        unit: "years",
        reading: "mean time of the payments, weighted by present value",
      },
      modifiedDuration: {
        group: "Sensitivity",
        label: "Modified duration",
        formula: `${call}.modifiedDuration`,
        value: value.modifiedDuration,
        unit: "years",
        reading: "share of the price lost per 1.00 of yield",
      },
      convexity: {
        group: "Sensitivity",
        label: "Convexity",
        formula: `${call}.convexity`,
        value: value.convexity,
        unit: "years squared",
        reading: "curvature of the price in the yield",
      },
      dv01: {
        group: "Sensitivity",
        label: "DV01",
        formula: `${call}.dv01`,
        value: value.dv01,
        unit: "price per basis point",
        reading: "price lost where the yield rises by a hundredth of a point",
      },
    });
    const evidenceIds = Object.values(figures).map((one) => one.evidenceId);
    return { kind: "bond", figures, seriesRef: null, evidenceIds };
  },
};
