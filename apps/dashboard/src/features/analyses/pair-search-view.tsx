import { Link } from "react-router";
import { Empty } from "../../components/state.tsx";
import { number } from "../../components/format.ts";
import type { ResultOfKind } from "./result.ts";
import { Cited, significant, Tiles } from "./figures.tsx";

export function PairSearchView({ result }: { result: ResultOfKind<"pairSearch"> }) {
  const { figures, pairs, refused, timeframe } = result;
  return (
    <>
      <Tiles figures={Object.values(figures)} />
      <section className="panel scroll">
        <h2>Pairs, the surest first</h2>
        {figures.accepted.value === 0 ? (
          <Empty>No pair passes at this rate: what is listed may be chance.</Empty>
        ) : null}
        <table>
          <thead>
            <tr>
              <th>Pair</th>
              <th>Accepted</th>
              <th className="num">p, adjusted</th>
              <th className="num">p</th>
              <th className="num">Hedge ratio</th>
              <th className="num">R²</th>
              <th className="num">Half-life, bars</th>
              <th className="num">z now</th>
            </tr>
          </thead>
          <tbody>
            {pairs.map((one) => (
              <tr key={`${one.y} ${one.x}`}>
                <td>
                  <Link
                    to={`/analyses/pairs?${new URLSearchParams({ y: one.y, x: one.x, timeframe }).toString()}`}
                  >
                    {one.y} on {one.x}
                  </Link>
                </td>
                <td>{one.accepted ? <span className="good">yes</span> : "no"}</td>
                <td className="num">{significant(one.adjustedP)}</td>
                <td className="num">
                  <Cited id={one.evidenceId}>{significant(one.p)}</Cited>
                </td>
                <td className="num">{significant(one.hedgeRatio)}</td>
                <td className="num">{number(one.rSquared)}</td>
                <td className="num">{number(one.halfLife, 1)}</td>
                <td className="num">{number(one.zScore)}</td>
              </tr>
            ))}
          </tbody>
        </table>
        {refused.length === 0 ? null : (
          <details>
            <summary>Pairs that could not be tested</summary>
            <ul>
              {refused.map((one) => (
                <li key={`${one.y} ${one.x}`}>
                  {one.y} and {one.x}: {one.reason}
                </li>
              ))}
            </ul>
          </details>
        )}
      </section>
    </>
  );
}
