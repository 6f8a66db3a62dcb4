/** The system of drawdown programmes: a chain of one variable a scenario, eliminated in time linear in scenarios. */
import { choleskySolve } from "../statistics/linear.ts";
import { addGram } from "./gram.ts";
import type { System } from "./programme.ts";
import type { Region } from "./rows.ts";
import { denseSystem, factorLifted } from "./rows.ts";

/**
 * Variables: y, those of the region and the threshold of the tail, then the drawdown d_t after each scenario. Rows: those of
 * the region, then d_t - d_(t-1) + x_t'w >= 0 with d_0 = 0, then d_t >= 0, then threshold - d_t.
 *
 * The drawdowns are eliminated in order of time. What the rows up to t say of d_t is always hold_t (d_t - lean_t'y)^2 and
 * squares of y alone, and two such squares join to one by
 * a (d - u)^2 + b (d - v)^2 = (a + b) (d - (a u + b v) / (a + b))^2 + a b / (a + b) (u - v)^2.
 * All weights stay positive, so that nothing cancels; eliminating by subtraction loses all digits near the optimum.
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
  const lean = new Float64Array(m * few);
  const hold = new Float64Array(m);
  // The share of d_(t-1), given d_t, that comes from d_t: the rest comes from its own lean.
  const pull = new Float64Array(m);
  // Squares of y alone that joining leaves: two a scenario.
  const squares = new Float64Array(2 * m * few);
  const squareWeights = new Float64Array(2 * m);

  const eliminate = (weights: Float64Array): void => {
    for (let t = 0; t < m; t++) {
      const fall = weights[falls + t]!;
      const before = t > 0 ? hold[t - 1]! : Infinity;
      pull[t] = t > 0 ? fall / (fall + before) : 0;
      const own = t > 0 ? (fall * before) / (fall + before) : fall;
      const floor = weights[floors + t]!;
      const excess = weights[excesses + t]!;
      const both = own + floor;
      const share = own / both;
      const first = 2 * t * few;
      const second = first + few;
      for (let i = 0; i < few; i++) {
        const x = i < assets ? returns[t * assets + i]! : 0;
        const arrived = (t > 0 ? lean[(t - 1) * few + i]! : 0) - x;
        squares[first + i] = arrived;
        squares[second + i] = share * arrived;
      }
      squares[second + threshold]! -= 1;
      squareWeights[2 * t] = share * floor;
      squareWeights[2 * t + 1] = (both * excess) / (both + excess);
      hold[t] = both + excess;
      const rest = excess / (both + excess);
      for (let i = 0; i < few; i++) {
        lean[t * few + i] = share * squares[first + i]! - rest * squares[second + i]!;
      }
    }
  };

  /** lean_t'y */
  const leaning = (t: number, y: Float64Array): number => {
    let s = 0;
    for (let i = 0; i < few; i++) s += lean[t * few + i]! * y[i]!;
    return s;
  };

  /** x_t'w */
  const gain = (t: number, y: Float64Array): number => {
    let s = 0;
    for (let i = 0; i < assets; i++) s += returns[t * assets + i]! * y[i]!;
    return s;
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
        out[falls + t] = depth - (t > 0 ? y[few + t - 1]! : 0) + gain(t, y);
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
      eliminate(weights);
      addGram(squares, 2 * m, few, squareWeights, 0, matrix);
      return factorLifted(matrix, few);
    },
    solve: (y) => {
      for (let t = 0; t < m; t++) {
        // Of the right side of d_t a share goes on to d_(t+1), and what depends on y to y.
        const right = y[few + t]!;
        const on = t + 1 < m ? pull[t + 1]! : 0;
        if (t + 1 < m) {
          y[few + t + 1]! += on * right;
          for (let i = 0; i < assets; i++) y[i]! += on * right * returns[(t + 1) * assets + i]!;
        }
        for (let i = 0; i < few; i++) y[i]! += (1 - on) * right * lean[t * few + i]!;
      }
      choleskySolve(matrix, few, y);
      for (let t = m - 1; t >= 0; t--) {
        const on = t + 1 < m ? pull[t + 1]! : 0;
        const later = on > 0 ? on * (y[few + t + 1]! + gain(t + 1, y)) : 0;
        y[few + t] = later + (1 - on) * (leaning(t, y) + y[few + t]! / hold[t]!);
      }
    },
  };
}
