import { Bars } from "../../components/bars.tsx";
import { Legend } from "../../components/chart.tsx";
import { integer, number, percent } from "../../components/format.ts";
import { Plot } from "../../components/plot.tsx";
import type { PlotLine, PlotPoint } from "../../components/plot.tsx";
import type { ResultOfKind } from "./result.ts";
import { Cited, FigureTables, Tiles } from "./figures.tsx";

type Portfolio = ResultOfKind<"portfolio">;

const methodNames: Record<Portfolio["method"], string> = {
  maxUtility: "Mean-variance by risk tolerance",
  minVariance: "Minimum variance",
  maxSharpe: "Maximum Sharpe ratio",
  targetReturn: "Target return",
  targetVolatility: "Target volatility",
  minShortfall: "Minimum shortfall (CVaR)",
  minDrawdown: "Minimum drawdown (CDaR)",
  riskParity: "Risk parity",
  maxDiversification: "Maximum diversification",
  hierarchicalRiskParity: "Hierarchical risk parity",
  hierarchicalEqualRisk: "Hierarchical equal risk",
  nestedClusters: "Nested clusters",
  kelly: "Kelly",
  inverseVolatility: "Inverse volatility",
  equalWeight: "Equal weights",
};

const symbolOf = (instrumentId: string) => instrumentId.slice(0, instrumentId.lastIndexOf("."));

export function PortfolioView({ result }: { result: Portfolio }) {
  const { figures, assets } = result;
  return (
    <>
      <Tiles
        figures={[figures.expectedReturn, figures.volatility, figures.sharpe, figures.effectiveAssets]}
      />
      <section className="panel">
        <h2>{methodNames[result.method]}</h2>
        <Bars
          label="Weight and share of risk of each asset"
          names={["Weight", "Share of risk"]}
          rows={assets.map((one) => ({ label: one.instrumentId, values: [one.weight, one.riskShare] }))}
        />
        <Weights assets={assets} />
      </section>
      <Frontier result={result} />
      <Methods result={result} />
      {result.allocation === null ? null : <Allocation allocation={result.allocation} />}
      <FigureTables figures={figures} />
    </>
  );
}

function Weights({ assets }: { assets: Portfolio["assets"] }) {
  const hasPresent = assets.some((one) => one.present !== null);
  return (
    <div className="scroll">
      <table>
        <thead>
          <tr>
            <th>Asset</th>
            <th className="num">Weight</th>
            {hasPresent ? <th className="num">Now</th> : null}
            <th className="num">Expected return a year</th>
            <th className="num">Volatility a year</th>
            <th className="num">Adds to volatility</th>
            <th className="num">Share of risk</th>
          </tr>
        </thead>
        <tbody>
          {assets.map((one) => (
            <tr key={one.instrumentId}>
              <td>{one.instrumentId}</td>
              <td className="num">
                <Cited id={one.evidenceId} label={`the weight of ${one.instrumentId}`}>
                  {percent(one.weight, 2)}
                </Cited>
              </td>
              {hasPresent ? <td className="num">{percent(one.present, 2)}</td> : null}
              <td className="num">{percent(one.expectedReturn)}</td>
              <td className="num">{percent(one.volatility)}</td>
              <td className="num">{percent(one.riskContribution, 2)}</td>
              <td className="num">{percent(one.riskShare)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Frontier({ result }: { result: Portfolio }) {
  const { frontier, assets, figures } = result;
  const line: PlotLine = {
    label: "Efficient frontier",
    x: frontier.map((point) => point.volatility),
    y: frontier.map((point) => point.expectedReturn),
    color: "--series-1",
  };
  const points: PlotPoint[] = [
    ...assets.map((one) => ({
      label: symbolOf(one.instrumentId),
      x: one.volatility,
      y: one.expectedReturn,
      color: "--dim",
    })),
    {
      label: "This portfolio",
      x: figures.volatility.value!,
      y: figures.expectedReturn.value!,
      color: "--bad",
    },
  ];
  return (
    <section className="panel">
      <h2>Efficient frontier</h2>
      <Legend
        lines={[line, { label: "This portfolio", color: "--bad" }, { label: "Assets", color: "--dim" }]}
      />
      <Plot
        lines={[line]}
        points={points}
        xLabel="Volatility a year"
        yLabel="Expected return a year"
        show={(value) => percent(value, 1)}
        label="Efficient frontier with the assets and this portfolio"
      />
    </section>
  );
}

function Methods({ result }: { result: Portfolio }) {
  return (
    <section className="panel scroll">
      <h2>All methods</h2>
      <table>
        <thead>
          <tr>
            <th>Method</th>
            <th className="num">Return</th>
            <th className="num">Volatility</th>
            <th className="num">Sharpe</th>
            {result.assets.map((one) => (
              <th key={one.instrumentId} className="num" title={one.instrumentId}>
                {symbolOf(one.instrumentId)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {result.outcomes.map((one) => (
            <tr key={one.method} aria-selected={one.method === result.method}>
              <td>{methodNames[one.method]}</td>
              {one.weights === null ? (
                <td className="dim" colSpan={3 + result.assets.length}>
                  {one.refusal}
                </td>
              ) : (
                <>
                  <td className="num">{percent(one.expectedReturn)}</td>
                  <td className="num">
                    <Cited id={one.evidenceId}>{percent(one.volatility)}</Cited>
                  </td>
                  <td className="num">{number(one.sharpe)}</td>
                  {one.weights.map((weight, i) => (
                    <td key={result.assets[i]!.instrumentId} className="num">
                      {percent(weight)}
                    </td>
                  ))}
                </>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Allocation({ allocation }: { allocation: NonNullable<Portfolio["allocation"]> }) {
  return (
    <section className="panel scroll">
      <h2>Whole units to hold</h2>
      <table>
        <thead>
          <tr>
            <th>Asset</th>
            <th className="num">Units</th>
            <th className="num">Last close</th>
            <th className="num">Value</th>
          </tr>
        </thead>
        <tbody>
          {allocation.units.map((one) => (
            <tr key={one.instrumentId}>
              <td>{one.instrumentId}</td>
              <td className="num">{integer(one.units)}</td>
              <td className="num">{number(one.price)}</td>
              <td className="num">{number(one.value)}</td>
            </tr>
          ))}
          <tr>
            <td>Left in cash</td>
            <td />
            <td />
            <td className="num">
              <Cited id={allocation.evidenceId}>{number(allocation.left)}</Cited>
            </td>
          </tr>
        </tbody>
      </table>
    </section>
  );
}
