import type { EvidenceItem } from "../../evidence/contract.ts";
import type { AccountPortfolio } from "../../orders/contract.ts";
import type { Instrument } from "../../series/contract.ts";
import { Declined } from "../answer.ts";
import type { Draft } from "../answer.ts";
import { formatCount, formatNumber, formatPercent, formatTime } from "../format.ts";
import type { Question } from "../question.ts";
import type { Tools } from "../tools.ts";
import { defineFamily } from "./family.ts";
import { jobItem } from "./jobs.ts";

/** A value of an account as evidence. */
export function accountItem(
  account: AccountPortfolio,
  atMs: number,
  pointer: string,
  value: string | number | null,
): EvidenceItem {
  return {
    kind: "account",
    accountId: account.accountId,
    name: account.name,
    simulated: account.simulated,
    atMs,
    pointer,
    value,
  };
}

/** Does the question speak of what the asker holds? "My risk" does, "the risk of AAPL" does not. */
function ofHoldings(q: Question): boolean {
  return q.matches(
    / (?:portfolio|holdings|positions?|account|am i) | my (?!(?:instruments?|stocks?|symbols?|coins?|watchlist|list) )/,
  );
}

async function heldAccount(tools: Tools): Promise<AccountPortfolio> {
  const { accounts } = await tools.portfolio();
  const held = accounts.filter(({ positions }) => positions.length > 0);
  if (held.length === 0) throw new Declined("No account holds a position, so there is nothing at risk.");
  if (held.length > 1) {
    throw new Declined(
      `Several accounts hold positions (${held.map(({ name }) => name).join(", ")}); ask for the analysis of one: POST /api/analyses with kind risk.`,
    );
  }
  return held[0]!;
}

/** The timeframe that people mean and all that is held has. */
async function sharedTimeframe({ positions }: AccountPortfolio, tools: Tools): Promise<string> {
  const [first, ...rest] = await Promise.all(
    positions.map(({ instrumentId }) => tools.coverage(instrumentId)),
  );
  const shared = first!.find(({ timeframe }) =>
    rest.every((coverage) => coverage.some((one) => one.timeframe === timeframe)),
  );
  if (shared === undefined)
    throw new Declined("What is held has no bars of one length, so that its risk cannot be told together.");
  return shared.timeframe;
}

interface RiskArgs extends Record<string, unknown> {
  parts: boolean;
}

/** Risk of what is held now, by a real analysis. */
export const portfolioRisk = defineFamily<RiskArgs>({
  name: "portfolioRisk",
  takes: ["anything"],
  about: "Volatility, value at risk and shortfall of what an account holds, and each position's part in it",
  examples: [
    "What is the risk of my portfolio?",
    "What is the value at risk of my portfolio?",
    "Which position contributes most to the risk of my portfolio?",
  ],
  understand(q) {
    if (!ofHoldings(q)) return undefined;
    if (
      !q.matches(
        / (?:risk|risks|risky|riskiest|value[ -]at[ -]risk|var|volatility|volatile|shortfall|drawdowns?) /,
      )
    )
      return undefined;
    return {
      parts: q.matches(/ (?:contributes?|contribution|contributions|which position|each position|part) /),
    };
  },
  async run({ parts }, tools) {
    const account = await heldAccount(tools);
    const job = await tools.runJob("analyze", {
      kind: "risk",
      of: { kind: "account", accountId: account.accountId },
      timeframe: await sharedTimeframe(account, tools),
    });
    if (job.state !== "completed")
      throw new Declined(
        `The risk analysis ${job.id} is ${job.state}${job.error === null ? "" : `: ${job.error.message}`}.`,
      );
    const { tailRisk, components } = job.result as {
      tailRisk: { method: string; level: number; valueAtRisk: number | null }[];
      components: { instrumentId: string; share: number }[];
    };
    const names = [account.name, ...components.map(({ instrumentId }) => instrumentId)];
    const drafts: Draft[] = [];
    const told = (pointer: string, label: string) => {
      const item = jobItem(job, pointer);
      if (typeof item.value === "number")
        drafts.push({
          text: `The ${label} of "${account.name}" is ${formatPercent(item.value)}.`,
          cite: [item],
          names,
        });
    };
    if (!parts) {
      told("/figures/volatility/value", "volatility a year");
      tailRisk.forEach(({ method, valueAtRisk }, at) => {
        if (method !== "historical" || valueAtRisk === null) return;
        const [level, loss, mean] = ["level", "valueAtRisk", "expectedShortfall"].map((field) =>
          jobItem(job, `/tailRisk/${at}/${field}`),
        );
        drafts.push({
          text: `At ${formatPercent(Number(level!.value))} confidence, the historical loss of one bar that is exceeded (value at risk) is ${formatPercent(Number(loss!.value))} of its equity, and the mean loss beyond it (expected shortfall) ${formatPercent(Number(mean!.value))}.`,
          cite: [level!, loss!, mean!],
          names,
        });
      });
      told("/figures/maxDrawdown/value", "largest drawdown that these weights would have had");
    }
    components
      .map(({ instrumentId, share }, at) => ({ instrumentId, share, at }))
      .toSorted((a, b) => b.share - a.share)
      .slice(0, 8)
      .forEach(({ instrumentId, share, at }) => {
        drafts.push({
          text: `${instrumentId} makes up ${formatPercent(Number(jobItem(job, `/components/${at}/weight`).value))} of its equity and ${formatPercent(share)} of its risk.`,
          cite: [jobItem(job, `/components/${at}/weight`), jobItem(job, `/components/${at}/share`)],
          names,
        });
      });
    return { drafts };
  },
});

/** What share of an account each position makes up. */
export const exposureReport = defineFamily<{ instruments: Instrument[] }>({
  name: "exposure",
  takes: ["anything"],
  about: "What share of an account's equity each position, or all of them, makes up, with the arithmetic",
  examples: [
    "What is my exposure?",
    "How much of my portfolio is in AAPL?",
    "What is the largest position of my portfolio?",
  ],
  understand(q) {
    const asked =
      q.matches(
        / (?:exposure|exposed|exposures|weights?|concentrated|concentration|allocation|largest position|biggest position) /,
      ) || q.matches(/ (?:how much|what share|what percentage) of my (?:portfolio|account|holdings) /);
    return asked && ofHoldings(q) && !q.any("backtest") ? { instruments: q.instruments } : undefined;
  },
  async run({ instruments }, tools) {
    const account = await heldAccount(tools);
    const { equity, currency, positions } = account;
    if (equity === null)
      throw new Declined(
        `The equity of "${account.name}" is not known: ${account.unpriced.join(", ")} has no price.`,
      );
    const item = (pointer: string, value: number) => accountItem(account, tools.asOfMs, pointer, value);
    const total = Number(equity);
    const names = [account.name, ...positions.map(({ instrumentId }) => instrumentId)];
    const wanted = new Set(instruments.map(({ instrumentId }) => instrumentId));
    const shown = positions
      .filter(({ instrumentId }) => wanted.size === 0 || wanted.has(instrumentId))
      .toSorted((a, b) => Math.abs(Number(b.marketValue)) - Math.abs(Number(a.marketValue)))
      .slice(0, 10);
    if (shown.length === 0) throw new Declined(`"${account.name}" holds none of ${[...wanted].join(", ")}.`);
    const share = (value: number, what: string): EvidenceItem => ({
      kind: "request",
      formula: `market value of ${what} / equity`,
      value: value / total,
      unit: "fraction",
    });
    const money = (value: number) => `${formatNumber(value)} ${currency}`;
    const drafts: Draft[] = shown.map(({ instrumentId, marketValue }) => {
      const value = Number(marketValue);
      return {
        text: `${instrumentId} makes up ${formatPercent(value / total)} of the equity of "${account.name}" (${money(value)} / ${money(total)}).`,
        cite: [
          share(value, instrumentId),
          item(`/positions/${instrumentId}/marketValue`, value),
          item("/equity", total),
        ],
        names,
      };
    });
    if (wanted.size === 0) {
      const gross = positions.reduce((sum, one) => sum + Math.abs(Number(one.marketValue)), 0);
      drafts.unshift({
        text: `All positions of "${account.name}" together are worth ${money(gross)}, ${formatPercent(gross / total)} of its equity of ${money(total)}.`,
        cite: [
          share(gross, "all positions"),
          {
            kind: "request",
            formula: "sum of the absolute market values of the positions",
            value: gross,
            unit: currency,
          },
          item("/equity", total),
        ],
        names,
      });
    }
    return { drafts };
  },
});

/** Why an order is where it is. */
export const orderReport = defineFamily<{ rejected: boolean }>({
  name: "order",
  takes: ["anything"],
  about: "What became of the last order, or why the last rejected one was rejected",
  examples: ["Why was my last order rejected?", "What happened to my last order?"],
  understand(q) {
    if (!q.matches(/ orders? /) || q.any("order")) return undefined;
    const rejected = q.matches(/ (?:reject|rejected|rejection|refused|fail|failed) /);
    if (!rejected && !q.matches(/ (?:last|latest|my) order /)) return undefined;
    return q.any("why") || q.matches(/ (?:happened|became|status|state|what about) /)
      ? { rejected }
      : undefined;
  },
  async run({ rejected }, tools) {
    const [order] = await tools.orders(rejected ? "rejected" : undefined);
    if (order === undefined)
      throw new Declined(rejected ? "No order was rejected." : "There is no order yet.");
    const { side, type, quantity, limitPrice, status, filledQuantity, reason, updatedMs, instrumentId } =
      order;
    const cite: EvidenceItem[] = [
      {
        kind: "record",
        record: "order",
        id: order.id,
        values: { instrumentId, side, type, quantity, limitPrice, status, filledQuantity, reason, updatedMs },
      },
    ];
    const names = [instrumentId, ...(reason === null ? [] : [reason])];
    const drafts: Draft[] = [
      {
        text: `The last ${rejected ? "rejected " : ""}order was to ${side} ${formatCount(Number(quantity))} of ${instrumentId} (${type}); it is ${status} since ${formatTime(updatedMs)}.`,
        cite,
        names,
      },
    ];
    if (reason !== null) drafts.push({ text: `The reason kept with it: ${reason}`, cite, names });
    return { drafts };
  },
});

/** Why an alert told something. */
export const alertReport = defineFamily({
  name: "alert",
  takes: ["anything"],
  about: "Which alerts fired last, when and on what value",
  examples: ["Why did my alert fire?", "Which alerts fired last?"],
  understand(q) {
    return q.matches(/ alerts? /) &&
      (q.any("why", "when", "last") || q.matches(/ (?:fire|fired|triggered|told) /))
      ? {}
      : undefined;
  },
  async run(_args, tools) {
    const triggers = (await tools.alertTriggers()).filter(({ test }) => !test);
    if (triggers.length === 0) throw new Declined("No alert has fired yet.");
    return {
      drafts: triggers.slice(0, 3).map(({ id, name, instrumentId, edgeMs, message, value }) => ({
        text: `The alert "${name}" on ${instrumentId} fired at ${formatTime(edgeMs)}: ${message}${/[.!]$/.test(message) ? "" : "."}`,
        cite: [
          {
            kind: "record" as const,
            record: "alertTrigger" as const,
            id,
            values: { name, instrumentId, edgeMs, value, message },
          },
        ],
        names: [name, instrumentId, message],
      })),
    };
  },
});
