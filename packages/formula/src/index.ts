export type { Ast, Expression, Span } from "./ast.ts";
export { indicatorCatalogue, functionCatalogue } from "./catalogue.ts";
export type { CatalogueEntry, CatalogueParam } from "./catalogue.ts";
export { checkFormula } from "./check.ts";
export type { CheckedFormula, CheckOptions } from "./check.ts";
export type { Bar, BucketRule, Dataset } from "./dataset.ts";
export { FormulaError, nearestName } from "./error.ts";
export { examineFormula, examineKernel, sampleBars } from "./examine.ts";
export type { Check, Finding } from "./examine.ts";
export { formatFormula } from "./format.ts";
export type { ValueType } from "./functions.ts";
export { DERIVED, FIELDS } from "./functions.ts";
export { parseFormula } from "./parse.ts";
export { createFormulaCache, createFormulaRun, evaluateFormulas } from "./run.ts";
export type { EvaluateOptions, FormulaCache, FormulaRun, FormulaRunOptions, SavedRun } from "./run.ts";
export { createConditionSearch } from "./template.ts";
export type { ConditionSearch, ConditionTemplate } from "./template.ts";
export { MissingInstrumentError } from "./world.ts";
export { callsOf, checkSavedFormula, expandFormula } from "./saved.ts";
export type { FormulaBook, SavedFormula } from "./saved.ts";
export {
  instrumentOfSentiment,
  sentimentDecay,
  sentimentHalfLife,
  sentimentMean,
  sentimentSeries,
} from "./sentiment.ts";
export { bucketEnd, bucketStart, parseTimeframe } from "./timeframe.ts";
export type { Timeframe } from "./timeframe.ts";
