import type { ResultOut } from "@tapedeck/client";
import { isoDate } from "@tapedeck/core";
import type { execute } from "@tapedeck/features/orders/contract";
import type { Output } from "../output.ts";
import { table } from "../output.ts";

/** The order as it stands at the venue, and its fills. */
export function showOrder(result: ResultOut<typeof execute>, out: Output): void {
  const at = result.limitPrice === null ? "at the market" : `at ${result.limitPrice} or better`;
  const venue = result.simulated ? `${result.venue}, simulated` : result.venue;
  out.print(
    `${result.side} ${result.quantity} ${result.instrumentId} ${at} (${venue}): ${result.status}, ${result.filledQuantity} filled`,
  );
  out.print(result.message);
  if (result.fills.length > 0)
    out.print(
      table(
        ["quantity", "price", "fee", "at"],
        result.fills.map((fill) => [fill.quantity, fill.price, fill.fee, isoDate(fill.eventMs)]),
      ),
    );
  out.print(out.style.dim(`order ${result.orderId}`));
}
