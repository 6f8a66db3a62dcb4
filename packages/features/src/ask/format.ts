/** How answers write values. Each form here has its reading in numbers.ts, so that the check binds what was written. */

const months = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

/** Enough decimals for three significant digits, two at least, twelve at most. */
function decimalsFor(value: number): number {
  const size = Math.abs(value);
  if (size === 0 || size >= 1) return 2;
  return Math.min(12, 2 - Math.floor(Math.log10(size)));
}

function plain(value: number, decimals: number): string {
  const text = Math.abs(value).toLocaleString("en-US", {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
  return value < 0 && /[1-9]/.test(text) ? `−${text}` : text;
}

/** `2,470.50`, `0.00123`. */
export function formatNumber(value: number): string {
  return plain(value, decimalsFor(value));
}

/** A count, a volume: `1,234`. Fractional quantities keep their decimals. */
export function formatCount(value: number): string {
  return Number.isInteger(value) ? plain(value, 0) : formatNumber(value);
}

/** A fraction as percent: 0.2704 is `27.04%`. */
export function formatPercent(fraction: number): string {
  return `${plain(fraction * 100, decimalsFor(fraction * 100))}%`;
}

/** The UTC date: `16 March 2020`. */
export function formatDate(ms: number): string {
  const date = new Date(ms);
  return `${date.getUTCDate()} ${months[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
}

/** Date and time of day where it is not a whole day: `16 March 2020 14:30 UTC`. */
export function formatTime(ms: number): string {
  const time = new Date(ms).toISOString().slice(11, 16);
  return `${formatDate(ms)} ${time} UTC`;
}

/** `March 2020`. */
export function formatMonth(ms: number): string {
  const date = new Date(ms);
  return `${months[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
}

export const monthNames: readonly string[] = months.map((month) => month.toLowerCase());
