export * from "./size.ts";
export * from "./stops.ts";
export * from "./threshold.ts";
export {
  kellyBinary,
  kellyEmpirical,
  kellyGaussian,
  kellyPortfolio,
  kellyWeights,
} from "../portfolio/kelly.ts";
export type { KellyFraction, KellyPortfolio } from "../portfolio/kelly.ts";
