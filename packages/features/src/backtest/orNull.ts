import { QuantError } from "@tapedeck/quant/error";

/** A statistic, or null where its sample does not define it. */
export function orNull<T>(compute: () => T): T | null {
  try {
    return compute();
  } catch (error) {
    if (error instanceof QuantError) return null;
    throw error;
  }
}
