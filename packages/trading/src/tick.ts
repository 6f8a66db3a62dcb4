/** `price` on a multiple of the tick, the nearest at or above it (`up`) or at or below; as it is where `tickSize` is 0. */
export function toTick(price: number, tickSize: number, up: boolean): number {
  if (tickSize <= 0) return price;
  const steps = price / tickSize;
  // A quotient a hair beside a whole number of ticks is that number.
  const near = Math.round(steps);
  const whole = Math.abs(steps - near) < 1e-12 * Math.max(1, Math.abs(near)) ? near : wholeSteps(steps, up);
  // Of ticks such as 0.01 the quotient by 100 is the very number that the decimal is; the product is at times a hair beside it.
  const perUnit = Math.round(1 / tickSize);
  return Math.abs(perUnit * tickSize - 1) < 1e-12 ? whole / perUnit : whole * tickSize;
}

const wholeSteps = (steps: number, up: boolean) => (up ? Math.ceil(steps) : Math.floor(steps));
