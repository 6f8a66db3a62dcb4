import type { EvidenceItem } from "../../evidence/contract.ts";
import type { JobView } from "../../jobs/contract.ts";
import { Declined } from "../answer.ts";
import type { Draft } from "../answer.ts";
import type { Concept } from "../concepts.ts";
import type { Question } from "../question.ts";
import { formatCount, formatDate, formatNumber, formatPercent } from "../format.ts";
import type { Tools } from "../tools.ts";
import { defineFamily } from "./family.ts";

type Json = Record<string, unknown>;

/** A value inside a job's result, as evidence. */
export function jobItem(job: JobView, pointer: string): Extract<EvidenceItem, { kind: "job" }> {
  let value: unknown = job.result;
  for (const part of pointer.split("/").slice(1)) {
    value = typeof value === "object" && value !== null ? (value as Json)[part] : undefined;
  }
  if (
    typeof value !== "number" &&
    typeof value !== "string" &&
    typeof value !== "boolean" &&
    value !== null
  ) {
    throw new Declined(`Job ${job.id} holds no ${pointer.slice(1)}.`);
  }
  return { kind: "job", jobId: job.id, type: job.type, pointer, value };
}

interface Statistic {
  concept?: Concept;
  pattern?: RegExp;
  field: string;
  label: string;
  form: "number" | "percent" | "count" | "date" | "money";
}

const statistics: Statistic[] = [
  { concept: "sharpe", field: "sharpe", label: "Sharpe ratio", form: "number" },
  { concept: "sortino", field: "sortino", label: "Sortino ratio", form: "number" },
  { concept: "calmar", field: "calmar", label: "Calmar ratio", form: "number" },
  { concept: "drawdown", field: "maxDrawdown", label: "maximum drawdown", form: "percent" },
  { concept: "winRate", field: "winRate", label: "win rate", form: "percent" },
  { concept: "profitFactor", field: "profitFactor", label: "profit factor", form: "number" },
  { concept: "exposure", field: "exposure", label: "exposure", form: "percent" },
  { concept: "volatility", field: "volatility", label: "volatility a year", form: "percent" },
  {
    pattern: / (?:cagr|annual return|annualised return|annualized return|compound) /,
    field: "cagr",
    label: "compound annual growth",
    form: "percent",
  },
  {
    pattern: / (?:number of trades|how many trades|trades|round trips) /,
    field: "trades",
    label: "number of trades",
    form: "count",
  },
  { concept: "fees", field: "feesPaid", label: "fees paid", form: "money" },
  { pattern: / slippage /, field: "slippagePaid", label: "slippage paid", form: "money" },
  {
    pattern: / (?:final equity|equity|end with|ended with|final value) /,
    field: "finalEquity",
    label: "final equity",
    form: "money",
  },
  {
    pattern:
      / (?:total return|return|returns|returned|perform|performed|performance|profit|make|made|gain|do|did) /,
    field: "totalReturn",
    label: "total return",
    form: "percent",
  },
];

function asked(q: Question): Statistic[] {
  const found = statistics.filter(
    (one) =>
      (one.concept !== undefined && q.has(one.concept)) ||
      (one.pattern !== undefined && q.matches(one.pattern)),
  );
  // "What was the Sharpe …, how did it do against": a named figure beats the general one.
  const named = found.filter(
    (one) => one.field !== "totalReturn" || q.matches(/ (?:total return|return|returns|returned|profit) /),
  );
  return named.length > 0 ? named : found;
}

const overview = ["totalReturn", "cagr", "sharpe", "maxDrawdown", "trades"];

function show(form: Statistic["form"], value: number, currency: string): string {
  switch (form) {
    case "percent":
      return formatPercent(value);
    case "count":
      return formatCount(value);
    case "date":
      return formatDate(value);
    case "money":
      return `${formatNumber(value)} ${currency}`;
    default:
      return formatNumber(value);
  }
}

function noBacktest(instrumentId: string | undefined): Declined {
  const body = {
    instrumentId: instrumentId ?? "SPX.INDEX",
    strategy: { kind: "builtIn", name: "maCrossover" },
  };
  const of = instrumentId === undefined ? "" : ` of ${instrumentId}`;
  return new Declined(`No backtest${of} has been completed yet.`, {
    suggestions: ["What data do you have?"],
    missing: [
      {
        what: `a backtest${of}`,
        command: `npx tapedeck submit backtest --payload '${JSON.stringify(body)}'`,
        http: { method: "POST", path: "/api/backtests", body },
      },
    ],
  });
}

/** The backtest that is named, or the newest completed one, of the instrument where one is given; declines where there is none to speak of. */
export async function newestBacktest(
  jobId: string | undefined,
  tools: Tools,
  instrumentId?: string,
): Promise<JobView> {
  const job =
    jobId === undefined ? await tools.lastJob("backtest", instrumentId) : await tools.readJob(jobId);
  if (job === undefined) throw noBacktest(instrumentId);
  if (job.type !== "backtest")
    throw new Declined(`Job ${job.id} is of type ${job.type}; this asks about a backtest.`);
  if (job.state !== "completed")
    throw new Declined(`Backtest ${job.id} is ${job.state}; it has no result to speak of.`);
  const tested = jobItem(job, "/instrumentId").value;
  if (instrumentId !== undefined && tested !== instrumentId)
    throw new Declined(`Backtest ${job.id} is of ${String(tested)}, not of ${instrumentId}.`);
  return job;
}

interface BacktestArgs extends Record<string, unknown> {
  jobId: string | undefined;
  /** What the backtest is of, where the question says it. */
  instrumentId: string | undefined;
  fields: string[];
  compare: boolean;
}

/** Figures of a backtest's report, beside buy and hold. */
export const backtestReport = defineFamily<BacktestArgs>({
  name: "backtest",
  takes: ["anything"],
  about:
    "Figures of a backtest (the last one, or the job that the question names), also against buy and hold",
  examples: [
    "What was the Sharpe ratio of the last backtest and how does it compare with buy and hold?",
    "How many trades did the last backtest make?",
    "Did the backtest beat buy and hold?",
    "What was the maximum drawdown of the strategy?",
  ],
  understand(q, hint) {
    const about = q.matches(/ (?:backtest|backtests|backtested|back-test|strategy|simulation) /);
    const withJob = hint.jobId !== undefined && (asked(q).length > 0 || q.any("job", "buyHold"));
    if (!about && !withJob) return undefined;
    if (
      /^ (?:what is|what's|define|explain|what are) (?:an? )?(?:backtest|backtests|backtesting|strategy) $/.test(
        q.text,
      )
    )
      return undefined;
    const compare = q.any("buyHold", "compare") || q.matches(/ (?:beat|better|outperform|worse) /);
    const found = asked(q).map((one) => one.field);
    const of = q.matches(/ (?:on|of|for|over|with) (?:the )?⟨⟩ /)
      ? q.instruments[0]?.instrumentId
      : undefined;
    return {
      jobId: hint.jobId,
      instrumentId: of,
      fields: found.length > 0 ? found : overview,
      compare,
    };
  },
  async run(args, tools) {
    const job = await newestBacktest(args.jobId, tools, args.instrumentId);
    return { drafts: backtestDrafts(job, args.fields, args.compare) };
  },
});

/** A backtest's figures as sentences, beside buy and hold where asked. */
export function backtestDrafts(job: JobView, fields: readonly string[], compare: boolean): Draft[] {
  const title = jobItem(job, "/strategy/title");
  const instrument = jobItem(job, "/instrumentId");
  const currency = String(jobItem(job, "/currency").value);
  const from = jobItem(job, "/fromMs");
  const to = jobItem(job, "/toMs");
  const names = [String(title.value), String(instrument.value), currency];
  const drafts: Draft[] = [
    {
      text: `The backtest is of "${String(title.value)}" on ${String(instrument.value)}, from ${formatDate(Number(from.value) - 1)} to ${formatDate(Number(to.value) - 1)}.`,
      cite: [title, instrument, from, to],
      names,
    },
  ];
  for (const field of fields) {
    const statistic = statistics.find((one) => one.field === field)!;
    const own = jobItem(job, `/statistics/${field}`);
    const held = jobItem(job, `/benchmark/${field}`);
    if (own.value === null) {
      drafts.push({
        text: `Its ${statistic.label} is not defined: there were too few returns or trades for it.`,
        cite: [own],
        names,
      });
      continue;
    }
    const value = Number(own.value);
    const shown = show(statistic.form, value, currency);
    if (!compare || held.value === null) {
      drafts.push({ text: `Its ${statistic.label} was ${shown}.`, cite: [own], names });
      continue;
    }
    const other = Number(held.value);
    const lower = field === "maxDrawdown" || field === "volatility" || field.endsWith("Paid");
    const judged =
      field === "trades" || value === other
        ? ""
        : value > other !== lower
          ? ", which is better"
          : ", which is worse";
    drafts.push({
      text: `Its ${statistic.label} was ${shown} against ${show(statistic.form, other, currency)} of buy and hold${judged}.`,
      cite: [own, held],
      names,
    });
  }
  return drafts;
}

/** What came of the job that the question names. */
export const jobReport = defineFamily<{ jobId: string }>({
  name: "job",
  takes: ["anything"],
  about: "What came of the job that the question names",
  examples: [],
  understand(_q, hint) {
    return hint.jobId === undefined ? undefined : { jobId: hint.jobId };
  },
  async run(args, tools) {
    const job = await tools.readJob(args.jobId);
    if (job.type === "backtest") return { drafts: backtestDrafts(job, overview, true) };
    if (job.state !== "completed")
      throw new Declined(`Job ${job.id} (${job.type}) is ${job.state}; it has no result to speak of.`);
    const drafts: Draft[] = [];
    for (const [key, value] of Object.entries((job.result ?? {}) as Json)) {
      if (typeof value !== "number" && typeof value !== "string") continue;
      if (/Ref$|Hash$|Ids?$/.test(key) && key !== "instrumentId") continue;
      const item = jobItem(job, `/${key}`);
      const shown = key.endsWith("Ms")
        ? formatDate(Number(value) - 1)
        : typeof value === "number"
          ? formatCount(value)
          : value;
      drafts.push({
        text: `The ${job.type} job says of ${key}: ${shown}.`,
        cite: [item],
        names: typeof value === "string" ? [value] : [],
      });
      if (drafts.length === 12) break;
    }
    if (drafts.length === 0)
      throw new Declined(
        `Job ${job.id} (${job.type}) has no single figures to tell; open it for its result.`,
      );
    return { drafts };
  },
});

type Account = Awaited<ReturnType<Tools["portfolio"]>>["accounts"][number];

/** Orders that have not ended, and the cash that they keep. */
function waitingOrders(
  account: Account,
  item: (pointer: string, value: string | number | null) => EvidenceItem,
  names: string[],
): Draft {
  const orders = (count: number, what: string) =>
    count === 0 ? [] : [`${formatCount(count)} order${count === 1 ? "" : "s"} ${what}`];
  const waiting = [
    ...orders(account.restingOrders, "resting at the venue"),
    ...orders(account.unknownOrders, "whose state at the venue is not known"),
  ].join(" and ");
  const reserved = Number(account.reserved);
  return {
    text: `It has ${waiting}; ${formatNumber(reserved)} ${account.currency} of its cash is kept back.`,
    cite: [
      item("/restingOrders", account.restingOrders),
      item("/unknownOrders", account.unknownOrders),
      item("/reserved", reserved),
    ],
    names,
  };
}

/** The accounts as they stand. */
export const portfolioReport = defineFamily({
  name: "portfolio",
  takes: ["anything"],
  about: "Cash, equity, positions and waiting orders of the accounts",
  examples: [
    "What is in my portfolio?",
    "How much cash is in my account?",
    "Which of my orders are still open?",
  ],
  understand(q) {
    return q.any("portfolio") &&
      !/^ (?:what is|what's|define|explain) (?:an?|the) (?:portfolio|position|account) $/.test(q.text)
      ? {}
      : undefined;
  },
  async run(_args, tools) {
    const { accounts } = await tools.portfolio();
    if (accounts.length === 0)
      throw new Declined("There is no account yet: the first order opens a paper account.");
    const drafts: Draft[] = [];
    for (const account of accounts.slice(0, 5)) {
      const item = (pointer: string, value: string | number | null): EvidenceItem => ({
        kind: "account",
        accountId: account.accountId,
        name: account.name,
        simulated: account.simulated,
        atMs: tools.asOfMs,
        pointer,
        value,
      });
      const names = [account.name, ...account.positions.map((one) => one.instrumentId)];
      const kind = account.simulated ? "paper (simulated) account" : "account";
      const money = (text: string) => `${formatNumber(Number(text))} ${account.currency}`;
      drafts.push({
        text:
          account.equity === null
            ? `The ${kind} "${account.name}" holds ${money(account.cash)} in cash; its equity is not known, since a position has no price.`
            : `The ${kind} "${account.name}" holds ${money(account.cash)} in cash and has an equity of ${money(account.equity)}.`,
        cite: [
          item("/cash", Number(account.cash)),
          ...(account.equity === null ? [] : [item("/equity", Number(account.equity))]),
        ],
        names,
      });
      if (account.restingOrders + account.unknownOrders > 0) drafts.push(waitingOrders(account, item, names));
      const open = account.positions.filter((one) => Number(one.quantity) !== 0);
      if (open.length === 0)
        drafts.push({ text: `It has no open position.`, cite: [item("/positions", 0)], names });
      open.slice(0, 20).forEach((position) => {
        const at = `/positions/${position.instrumentId}`;
        drafts.push({
          text: `It holds ${formatCount(Number(position.quantity))} of ${position.instrumentId} at an average cost of ${money(position.averageCost)}.`,
          cite: [
            item(`${at}/quantity`, Number(position.quantity)),
            item(`${at}/averageCost`, Number(position.averageCost)),
          ],
          names,
        });
      });
    }
    return { drafts };
  },
});
