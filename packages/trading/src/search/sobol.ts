/** Degree, polynomial and initial direction numbers of dimensions 2 to 16. Source: Joe and Kuo 2008, new-joe-kuo-6. */
const directions: ReadonlyArray<readonly [number, number, readonly number[]]> = [
  [1, 0, [1]],
  [2, 1, [1, 3]],
  [3, 1, [1, 3, 1]],
  [3, 2, [1, 1, 1]],
  [4, 1, [1, 1, 3, 3]],
  [4, 4, [1, 3, 5, 13]],
  [5, 2, [1, 1, 5, 5, 17]],
  [5, 4, [1, 1, 5, 5, 5]],
  [5, 7, [1, 1, 7, 11, 19]],
  [5, 11, [1, 1, 5, 1, 1]],
  [5, 13, [1, 1, 1, 3, 11]],
  [5, 14, [1, 3, 5, 5, 31]],
  [6, 1, [1, 3, 3, 9, 7, 49]],
  [6, 13, [1, 1, 1, 15, 21, 21]],
  [6, 16, [1, 3, 1, 13, 27, 49]],
];

export const mostSobolDimensions = directions.length + 1;
const bits = 32;

/** Points of the Sobol sequence in [0, 1), in Gray-code order from the origin on. Throws RangeError above 16 dimensions. */
export function createSobol(dimensions: number): () => Float64Array {
  if (dimensions < 1 || dimensions > mostSobolDimensions) {
    throw new RangeError(
      `a Sobol sequence has 1 to ${mostSobolDimensions} dimensions here, not ${dimensions}`,
    );
  }
  const numbers = Array.from({ length: dimensions }, (_, j) => directionNumbers(j));
  const state = new Uint32Array(dimensions);
  let index = 0;
  return () => {
    const point = Float64Array.from(state, (value) => value / 2 ** bits);
    // The lowest zero bit of the index says which direction turns.
    const turned = Math.min(bits - 1, 31 - Math.clz32(~index & (index + 1)));
    for (let j = 0; j < dimensions; j++) state[j] = (state[j]! ^ numbers[j]![turned]!) >>> 0;
    index++;
    return point;
  };
}

function directionNumbers(dimension: number): Uint32Array {
  const v = new Uint32Array(bits);
  if (dimension === 0) {
    for (let i = 0; i < bits; i++) v[i] = 2 ** (bits - 1 - i);
    return v;
  }
  const [degree, polynomial, initial] = directions[dimension - 1]!;
  for (let i = 0; i < bits; i++) {
    if (i < degree) {
      v[i] = initial[i]! * 2 ** (bits - 1 - i);
      continue;
    }
    let value = v[i - degree]! ^ (v[i - degree]! >>> degree);
    for (let k = 1; k < degree; k++) {
      if (((polynomial >> (degree - 1 - k)) & 1) === 1) value ^= v[i - k]!;
    }
    v[i] = value >>> 0;
  }
  return v;
}
