/** The system of drawdown programmes: a chain of one variable a scenario, eliminated in time linear in scenarios. */
import { choleskySolve } from "../statistics/linear.ts";
import { addGram } from "./gram.ts";
import type { System } from "./programme.ts";
import type { Region } from "./rows.ts";
import { denseSystem, factorLifted } from "./rows.ts";

/**
 * Variables: those of the region, the threshold of the tail, then the drawdown d_t after each scenario. Rows: those of the
 * region, then d_t - d_(t-1) + x_t'w >= 0, then d_t >= 0, then threshold - d_t.
 * @param returns [m, assets]
 */
export function drawdownSystem(region: Region, returns: Float64Array, assets: number): System {
  const m = returns.length / assets;
  const few = region.variables + 1;
  const threshold = region.variables;
  const core = denseSystem(few, region.rows);
  const rows = core.rows;
  const [falls, floors, excesses] = [rows, rows + m, rows + 2 * m];
  const matrix = new Float64Array(few * few);
  // Factors of the chain's tridiagonal matrix: pivots, and the multiplier of the row before.
  const [pivots, links] = [new Float64Array(m), new Float64Array(m)];
  const negativeInverse = new Float64Array(m);
  // Coupling of the chain with the few variables, then the same after forward elimination.
  const coupling = new Float64Array(m * few);

  const couple = (weights: Float64Array): void => {
    for (let t = 0; t < m; t++) {
      const at = t * few;
      const own = weights[falls + t]!;
      const next = t + 1 < m ? weights[falls + t + 1]! : 0;
      pivots[t] = own + next + weights[floors + t]! + weights[excesses + t]!;
      links[t] = t > 0 ? -own : 0;
      for (let i = 0; i < assets; i++) {
        const later = next === 0 ? 0 : next * returns[(t + 1) * assets + i]!;
        coupling[at + i] = own * returns[t * assets + i]! - later;
      }
      for (let i = assets; i < few; i++) coupling[at + i] = 0;
      coupling[at + threshold] = -weights[excesses + t]!;
    }
  };

  const eliminate = (): void => {
    for (let t = 1; t < m; t++) {
      const f = links[t]! / pivots[t - 1]!;
      pivots[t]! -= f * links[t]!;
      links[t] = f;
      for (let i = 0; i < few; i++) coupling[t * few + i]! -= f * coupling[(t - 1) * few + i]!;
    }
    for (let t = 0; t < m; t++) negativeInverse[t] = -1 / pivots[t]!;
  };

  return {
    variables: few + m,
    rows: rows + 3 * m,
    curved: false,
    curve: (_, out) => out.fill(0),
    times: (y, out) => {
      core.times(y, out);
      for (let t = 0; t < m; t++) {
        const depth = y[few + t]!;
        let s = t > 0 ? depth - y[few + t - 1]! : depth;
        for (let i = 0; i < assets; i++) s += returns[t * assets + i]! * y[i]!;
        out[falls + t] = s;
        out[floors + t] = depth;
        out[excesses + t] = y[threshold]! - depth;
      }
    },
    addTransposed: (z, out) => {
      core.addTransposed(z, out);
      for (let t = 0; t < m; t++) {
        const fall = z[falls + t]!;
        for (let i = 0; i < assets; i++) out[i]! += fall * returns[t * assets + i]!;
        out[few + t]! += fall + z[floors + t]! - z[excesses + t]!;
        if (t > 0) out[few + t - 1]! -= fall;
        out[threshold]! += z[excesses + t]!;
      }
    },
    factor: (weights) => {
      core.form(weights, matrix);
      addReturns(returns, m, assets, weights, falls, matrix, few);
      for (let t = 0; t < m; t++) matrix[threshold * few + threshold]! += weights[excesses + t]!;
      couple(weights);
      eliminate();
      addGram(coupling, m, few, negativeInverse, 0, matrix);
      return factorLifted(matrix, few);
    },
    solve: (y) => {
      for (let t = 1; t < m; t++) y[few + t]! -= links[t]! * y[few + t - 1]!;
      for (let t = 0; t < m; t++) {
        const f = y[few + t]! * negativeInverse[t]!;
        for (let i = 0; i < few; i++) y[i]! += f * coupling[t * few + i]!;
      }
      choleskySolve(matrix, few, y);
      for (let t = m - 1; t >= 0; t--) {
        let s = y[few + t]!;
        for (let i = 0; i < few; i++) s -= coupling[t * few + i]! * y[i]!;
        s *= -negativeInverse[t]!;
        y[few + t] = t + 1 < m ? s - links[t + 1]! * y[few + t + 1]! : s;
      }
    },
  };
}

/** Adds sum_t weights x r_t r_t' to the first `assets` variables of a lower triangle [width, width]. */
function addReturns(
  returns: Float64Array,
  m: number,
  assets: number,
  weights: Float64Array,
  from: number,
  out: Float64Array,
  width: number,
): void {
  const own = new Float64Array(assets * assets);
  addGram(returns, m, assets, weights, from, own);
  for (let i = 0; i < assets; i++) {
    for (let j = 0; j <= i; j++) out[i * width + j]! += own[i * assets + j]!;
  }
}
