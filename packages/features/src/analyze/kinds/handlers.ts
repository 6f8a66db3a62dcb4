import { anomalies } from "./anomalies/run.ts";
import { attribution } from "./attribution/run.ts";
import { bond } from "./bond/run.ts";
import type { AnalysisKindName, PayloadOfKind, ResultOfKind } from "./contracts.ts";
import { correlation } from "./correlation/run.ts";
import { eventStudy } from "./eventStudy/run.ts";
import { formulas } from "./formulas/run.ts";
import type { AnalysisKind } from "./kind.ts";
import { options } from "./options/run.ts";
import { overfitting } from "./overfitting/run.ts";
import { pairSearch } from "./pairSearch/run.ts";
import { pairs } from "./pairs/run.ts";
import { patterns } from "./patterns/run.ts";
import { portfolio } from "./portfolio/run.ts";
import { regimes } from "./regimes/run.ts";
import { risk } from "./risk/run.ts";
import { sizing } from "./sizing/run.ts";
import { statistics } from "./statistics/run.ts";
import { summary } from "./summary/run.ts";

/** How each kind is computed; a missing one is a compile error. */
export const analysisKinds = {
  formulas,
  summary,
  statistics,
  pairs,
  pairSearch,
  correlation,
  risk,
  portfolio,
  regimes,
  anomalies,
  patterns,
  options,
  attribution,
  bond,
  overfitting,
  sizing,
  eventStudy,
} satisfies { [K in AnalysisKindName]: AnalysisKind<PayloadOfKind<K>, ResultOfKind<K>> };
