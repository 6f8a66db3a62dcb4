/** How numbers and times are shown, everywhere alike. */
export function time(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace("T", " ");
}

export function date(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

export function ago(ms: number, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - ms) / 1000));
  if (seconds < 90) return `${seconds} s ago`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 129_600) return `${Math.round(seconds / 3_600)} h ago`;
  return `${Math.round(seconds / 86_400)} d ago`;
}

export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 90_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${Math.round(ms / 60_000)} min`;
}

const dash = "–";

export function percent(value: number | null | undefined, digits = 1): string {
  return value === null || value === undefined ? dash : `${(value * 100).toFixed(digits)} %`;
}

export function number(value: number | null | undefined, digits = 2): string {
  return value === null || value === undefined
    ? dash
    : value.toLocaleString("en-US", {
        maximumFractionDigits: digits,
        minimumFractionDigits: Math.min(digits, 2),
      });
}

export function integer(value: number | null | undefined): string {
  return value === null || value === undefined
    ? dash
    : value.toLocaleString("en-US", { maximumFractionDigits: 0 });
}
