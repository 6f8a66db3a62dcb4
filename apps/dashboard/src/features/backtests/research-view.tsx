import type { ResultOut } from "@tapedeck/client";
import type { biasAudit, portfolioAudit } from "@tapedeck/features/backtest/audit/contract";
import type { monteCarlo } from "@tapedeck/features/backtest/monteCarlo/contract";
import type { ReportDocument } from "@tapedeck/features/backtest/report/documents/document";
import {
  biasAuditDocument,
  monteCarloDocument,
  sweepDocument,
  walkForwardDocument,
} from "@tapedeck/features/backtest/report/documents/research";
import type { sweep } from "@tapedeck/features/backtest/sweep/contract";
import type { walkForward } from "@tapedeck/features/backtest/walkForward/contract";
import { WithEvidence } from "../analyses/figures.tsx";
import { ReportBlocks, Warnings } from "./report-blocks.tsx";
import type { Instead } from "./report-blocks.tsx";
import { Revision } from "./revision.tsx";

/** Job types whose page is their report. */
export const researchTypes = {
  sweep: "Search parameters",
  walkForward: "Walk-forward",
  monteCarlo: "Monte Carlo",
  biasAudit: "Bias audit",
  portfolioAudit: "Bias audit of a portfolio",
} as const;
export type ResearchType = keyof typeof researchTypes;

export function isResearch(type: string): type is ResearchType {
  return type in researchTypes;
}

export function researchDocument(type: ResearchType, result: unknown): ReportDocument {
  switch (type) {
    case "sweep":
      return sweepDocument(result as ResultOut<typeof sweep>);
    case "walkForward":
      return walkForwardDocument(result as ResultOut<typeof walkForward>);
    case "monteCarlo":
      return monteCarloDocument(result as ResultOut<typeof monteCarlo>);
    case "biasAudit":
    case "portfolioAudit":
      return biasAuditDocument(result as ResultOut<typeof biasAudit | typeof portfolioAudit>);
  }
}

/** The report of an ended job without its title: the same parts as in its file. */
export function ResearchView({
  type,
  result,
  jobId,
  instead,
}: {
  type: ResearchType;
  result: unknown;
  jobId: string;
  instead?: Instead;
}) {
  const report = researchDocument(type, result);
  return (
    <WithEvidence>
      <p className="dim">{report.subtitle}</p>
      <div className="row">
        <a className="button" href={`/api/jobs/${jobId}/report.html`} download>
          Report as HTML
        </a>
        <a className="button" href={`/api/jobs/${jobId}/report.pdf`} download>
          Report as PDF
        </a>
      </div>
      <Revision of="getJobRevision" id={jobId} />
      <Warnings lines={report.warnings} />
      <ReportBlocks blocks={report.blocks} instead={instead} />
      <p className="dim mono hashes">
        {report.sources.map(([name, value]) => `${name} ${value}`).join(" · ")}
      </p>
    </WithEvidence>
  );
}
