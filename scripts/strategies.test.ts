import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { BacktestPayload } from "@tapedeck/features/backtest/contract";
import { checkFormula } from "@tapedeck/formula";
import { builtInStrategies } from "@tapedeck/trading";
import { expect, test } from "vitest";

const folder = resolve(import.meta.dirname, "../strategies");

test.each(readdirSync(folder).filter((file) => file.endsWith(".json")))(
  "%s is a backtest that can run",
  (file) => {
    const payload = BacktestPayload.parse(JSON.parse(readFileSync(join(folder, file), "utf8")));
    const { strategy } = payload;
    if (strategy.kind === "builtIn") {
      expect(builtInStrategies.map((one) => one.name)).toContain(strategy.name);
    } else if (strategy.kind === "rules") {
      for (const formula of [strategy.entry, strategy.exit, strategy.shortEntry, strategy.shortExit]) {
        if (formula !== undefined)
          expect(checkFormula(formula, { expect: "condition" }).type).toBe("condition");
      }
    }
  },
);
