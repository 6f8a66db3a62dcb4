/** A parameter of a search: evenly spaced numbers, or a list. Points are vectors in the unit cube, one coordinate a parameter. */
export type Parameter =
  | { readonly name: string; readonly from: number; readonly to: number; readonly step?: number | undefined }
  | { readonly name: string; readonly values: ReadonlyArray<number | string> };

export type ParameterValues = Record<string, number | string>;

/** Steps of a parameter; Infinity for a range without a step. */
export function levelsOf(parameter: Parameter): number {
  if ("values" in parameter) return parameter.values.length;
  if (parameter.step === undefined) return parameter.to > parameter.from ? Infinity : 1;
  return Math.floor((parameter.to - parameter.from) / parameter.step + 1e-9) + 1;
}

/** Combinations of a grid; Infinity when a range has no step. */
export function gridSize(space: readonly Parameter[]): number {
  return space.reduce((size, parameter) => size * levelsOf(parameter), 1);
}

/** Value at a coordinate in [0, 1); the last level takes the end. */
function valueAt(parameter: Parameter, unit: number): number | string {
  const levels = levelsOf(parameter);
  const level = Math.min(levels - 1, Math.floor(unit * levels));
  if ("values" in parameter) return parameter.values[level]!;
  if (levels === Infinity) return parameter.from + unit * (parameter.to - parameter.from);
  const value = parameter.from + level * (parameter.step ?? 0);
  // Twelve digits: 0.1 + 2 × 0.1 is 0.3.
  return Number.isInteger(value) && Math.abs(value) < 1e12 ? value : Number(value.toPrecision(12));
}

export function valuesAt(space: readonly Parameter[], point: Float64Array): ParameterValues {
  return Object.fromEntries(space.map((parameter, j) => [parameter.name, valueAt(parameter, point[j]!)]));
}

/** The `index`-th point of the grid, the last parameter running fastest. */
export function gridPoint(space: readonly Parameter[], index: number): Float64Array {
  const point = new Float64Array(space.length);
  let rest = index;
  for (let j = space.length - 1; j >= 0; j--) {
    const levels = levelsOf(space[j]!);
    point[j] = ((rest % levels) + 0.5) / levels;
    rest = Math.floor(rest / levels);
  }
  return point;
}
