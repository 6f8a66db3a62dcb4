/**
 * The words that decide: own lists, from the field's usage. A direction says what moves which way; what that means
 * depends on the thing that moves. A judgement is  or bad by itself.
 */

/** What happened to something. `strong` moves count more. */
export interface Direction {
  kind: "direction";
  sign: 1 | -1;
  weight: number;
  /** Acts on what follows ("cuts costs") rather than on what precedes ("costs fall"). */
  transitive: boolean;
}

export interface Judgement {
  kind: "judgement";
  sign: 1 | -1;
  weight: number;
}

export type Word = Direction | Judgement;

const lists: readonly [Word, string][] = [
  [
    { kind: "direction", sign: 1, weight: 1, transitive: false },
    `rise rises rose risen rising gain gains gained gaining climb climbs climbed climbing advance advances
    advancing grow grows grew grown growing increase increases increased increasing up higher upwards upward
    strengthen strengthens strengthened firmed uptick upmove upturn appreciate appreciates appreciated
    expanded widen widens widened widening swell swells swelled mount mounts mounted accelerate accelerated`,
  ],
  [
    { kind: "direction", sign: 1, weight: 1.4, transitive: false },
    `surge surges surged surging soar soars soared soaring jump jumps jumped jumping rally rallies rallied
    rallying spike spikes spiked spiking skyrocket skyrockets skyrocketed zoom zooms zoomed leap leaps leapt
    doubles doubled triple triples tripled quadruple quadruples quadrupled multiply shoot shoots spurt
    spurts spurted rocket rockets rocketed balloon balloons ballooned pop pops popped`,
  ],
  [
    { kind: "direction", sign: 1, weight: 1, transitive: true },
    `raise raises raised hike hikes hiked hiking lift lifts lifted lifting boost boosts boosted boosting
    enhance enhances enhanced`,
  ],
  [
    { kind: "direction", sign: -1, weight: 1, transitive: false },
    `fall falls fell fallen falling drop drops dropped dropping decline declines declined declining slip
    slips slipped slipping slide slides slid sliding sink sinks sank sunk sinking lower down decrease
    decreases decreased decreasing dip dips dipped dipping shrink shrinks shrank shrunk shrinking weaken
    weakens weakened weakening downward downwards retreat retreats retreated drift drifts drifted depreciate
    depreciates depreciated deteriorate deteriorates deteriorated downturn downmove downtick ease eases
    eased easing soften softens softened slow slows slowed slowing cools cooled contracted contraction
    subside subsides subsided wane recede recedes receded narrow narrows narrowed narrowing fade fades faded
    erode erodes eroded`,
  ],
  [
    { kind: "direction", sign: -1, weight: 1.4, transitive: false },
    `plunge plunges plunged plunging plummet plummets plummeted plummeting tumble tumbles tumbled tumbling
    slump slumps slumped slumping crash crashes crashed crashing tank tanks tanked tanking dive dives dived
    collapse collapses collapsed collapsing crater craters cratered nosedive nosedives nosedived
    crumble crumbles crumbled crack cracks cracked swoon halve halves halved`,
  ],
  [
    { kind: "direction", sign: -1, weight: 1, transitive: true },
    `cut cuts cutting reduce reduces reduced reducing trim trims trimmed slash slashes slashed slashing pare
    pares pared curb curbs curbed shed sheds lowers lowered lowering erase erases erased lessen lessens
    minimise minimize`,
  ],
  [
    { kind: "judgement", sign: 1, weight: 1.3 },
    `beat beats beating upgrade upgrades upgraded outperform outperforms outperformed bullish outshine
    outpace outpaces exceed exceeds exceeded surpass surpasses surpassed overweight multibagger multibaggers
    oversubscribed`,
  ],
  [
    { kind: "judgement", sign: 1, weight: 1 },
    `strong stronger strongest robust solid bag bags bagged secures success successful successfully
    profitable optimistic optimism attractive undervalued accumulate rebound rebounds rebounded recover
    recovers recovered recovering recovery cheer cheers breakthrough milestone favourable favorable positive
    improve improves improved improving improvement upbeat healthy thrive thrives thriving impressive
    momentum buoyant bounce bounces bounced comeback outperformer outperformers booming boom resilient
    breakout snap stabilise stabilize stabilises stabilizes upswing uptrend encouraging subscribed
    profitability upmove outperformance`,
  ],
  [
    { kind: "judgement", sign: 1, weight: 0.6 },
    `promising hope hopes hopeful confident confidence approval approves benefit benefited cheap darling
    darlings prefer preferred attractively stellar reward rewarding lucrative favourite favorites supports
    buyback buybacks buzzing buoys buoyed lifeline`,
  ],
  [
    { kind: "judgement", sign: -1, weight: 1.3 },
    `downgrade downgrades downgraded underperform underperforms underperformed bearish bankrupt bankruptcy
    fraud default defaults defaulted scandal recession selloff scam underweight misses insolvency crisis`,
  ],
  [
    { kind: "judgement", sign: -1, weight: 1 },
    `miss missed weak weaker weakest weakness poor sluggish lawsuit lawsuits sue sues sued probe probes
    investigation penalty penalties fined warn warns warned warning warnings concern concerns worry worries
    worried worrying fear fears feared panic slowdown layoff layoffs shutdown halt halts halted suspend
    suspends suspended setback hurt hurts disappoint disappoints disappointed disappointing disappointment
    trouble troubles troubled turmoil choppy choppiness negative gloom gloomy pain painful stressed struggle
    struggles struggling struggled woes woe threat threatens threaten threatened lose loses lost losing
    laggard laggards drag drags dragged pressure pressures bleak dismal tepid lacklustre lackluster subdued
    downtrend bear bears bloodbath rout meltdown overvalued disruption disrupts disrupt disrupted hammer
    hammered battered pummeled pummelled punished punish tainted expensive jitters jittery nervous
    uncertainty uncertainties shaky withdraws withdrew scraps scrapped loss losses wary cautious caution
    grim dire sour sours soured doubts doubt woeful muted deceleration costly costlier suffer suffers
    suffered knock knocks knocked bruises dumping disappointingly shorting shortage fail fails failed
    failing failure breach violation violations`,
  ],
  [
    { kind: "judgement", sign: -1, weight: 0.6 },
    `delay delayed bad worse worst cautions dispute tension tensions recall recalls headwind headwinds
    overbought plague plagues weighs weigh dent dents dented stuck outflow outflows bubble`,
  ],
  [
    { kind: "judgement", sign: 1, weight: 0.4 },
    `good great best better well like opportunity opportunities potential benefits approve approved win wins
    won winner winners winning gainer gainers outlier likes expand expands relief`,
  ],
  [
    { kind: "judgement", sign: -1, weight: 0.4 },
    `risk risks risky problem problems challenge challenges challenging difficult tough virus outbreak strike
    protest volatile volatility loser losers avoid resigns resign quits resistance blow stress delays death
    deaths shut shuts ban bans banned`,
  ],
];

/** By word in lower case. */
export const words: ReadonlyMap<string, Word> = new Map(
  lists.flatMap(([word, text]) => text.split(/\s+/).map((form): [string, Word] => [form, word])),
);

/** Things whose rise is bad news. */
export const badThings: ReadonlySet<string> = new Set(
  `loss losses debt debts cost costs expense expenses deficit unemployment jobless joblessness claims defaults
  delinquencies npa npas provision provisions provisioning inflation risk risks fear fears concern concerns worry worries
  tension tensions uncertainty volatility vix bankruptcies bankruptcy deaths death infections infection layoffs tax taxes
  dues penalty penalties complaints impairment impairments writeoffs writedowns slippages arrears fraud outflows outflow
  redundancies pollution emissions burden stress crr shortage shortages dispute disputes cpi wpi
  liabilities liability churn vacancy vacancies cancellations recalls toll duty duties headwinds decline declines
  pressure drag slump weakness fine fines rates rate repo`.split(/\s+/),
);

/** Things whose rise is good news; named so that they win over a bad thing further away. */
export const goodThings: ReadonlySet<string> = new Set(
  `profit profits net pat sales revenue revenues income earnings eps ebitda margin margins share shares stock stocks price
  prices target guidance outlook forecast forecasts dividend dividends demand orders output production deposits exports
  volume volumes turnover estimates growth jobs employment staff workforce gdp nav stake holding holdings rating ratings
  futures index markets market bookings subscribers deliveries traffic traffics traded cashflow payout valuation yields
  gains gain rally recovery confidence sentiment consumption spending investment investments inflows inflow rupee dollar
  euro yen sterling oil gold crude silver bonds equities`.split(/\s+/),
);

/** Turn what follows around. */
export const negators: ReadonlySet<string> = new Set(
  "no not never without cannot cant can't won't wont don't dont doesn't doesnt didn't didnt isn't isnt wasn't aren't hardly neither nor unlikely despite shrugs shrug fail fails failed failing denies deny denied rejects rejected averts avert avoids avoided nothing".split(
    " ",
  ),
);

/** Say that something may be so. */
export const hedges: ReadonlySet<string> = new Set(
  "may might could would should can if whether possible possibly perhaps maybe likely expected seen".split(
    " ",
  ),
);

/** Said of what did not move: listed among the findings with weight 0. */
export const unchanged = "no change";

/** Phrases, longest first: judged as a whole, or taken out (weight 0) because their words would mislead. */
export const phrases: readonly { pattern: RegExp; weight: number; why: string }[] = [
  {
    pattern: /\b(on|at) (every |any |all |market )?(dips?|declines?|corrections?)\b/gi,
    weight: 0.4,
    why: "a recommendation to buy when it falls",
  },
  {
    pattern:
      /\b(from|off|below) (a |an |its |the |their |near |fresh |recent )*(\w+[- ]){0,4}?(highs?|peaks?|lows?)\b/gi,
    weight: 0,
    why: "a reference",
  },
  {
    pattern:
      /\b(cuts?|trims?|trimmed|reduces?|reduced|raises?|raised|increases?|increased|hikes?|hiked|ups|lowers?|lowered|boosts?) (\w+ ){0,4}?(stakes?|holdings?)\b/gi,
    weight: 0,
    why: "ownership",
  },
  { pattern: /\b(pre-?market|after[- ]hours|top|biggest|among) gainers?\b/gi, weight: 0.9, why: "a rise" },
  { pattern: /\b(pre-?market|after[- ]hours|top|biggest|among) losers?\b/gi, weight: -0.9, why: "a fall" },
  {
    pattern: /\b(break(s|ing)?|broke|breakout) (out|above|through|past)\b/gi,
    weight: 0.8,
    why: "a rise through a level",
  },
  { pattern: /\b(picks?|picking|picked) up\b/gi, weight: 0.5, why: "a rise" },
  { pattern: /\bpull(s|ed|ing)? ?back\b|\bpullbacks?\b/gi, weight: -0.8, why: "a fall" },
  {
    pattern:
      /\bin (great |high |strong )?(demand|favou?r)\b|\bon (strong|robust|good|higher|brisk|rising|better|firm|healthy|solid) demand\b|\bfind(s|ing)? favou?r\b|\bhigh expectations\b|\bmore upside\b|\bheadroom\b/gi,
    weight: 0.7,
    why: "buyers come in",
  },
  {
    pattern:
      /\b(sees?|offers?|have|has|with|further|more|limited|strong|potential|\d{1,4}%) upside\b|\bupside (potential|of|to|is|from|in|can|move|target)\b/gi,
    weight: 0.6,
    why: "room to rise",
  },
  {
    pattern:
      /\b(sees?|have|has|further|more|strong|potential|\d{1,4}%) downside\b|\bdownside (potential|of|to|is|from|in|can|move|target|risks?)\b/gi,
    weight: -0.7,
    why: "room to fall",
  },
  {
    pattern:
      /\b(under|comes? under) (regulatory |legal |intense |the )?(glare|scrutiny|microscope|pressure|fire)\b/gi,
    weight: -0.9,
    why: "trouble",
  },
  { pattern: /\bnever been (this|so|more|better)\b/gi, weight: 0, why: "a degree" },
  {
    pattern:
      /\b(estimates?|forecasts?|expectations?|consensus|views?|street)[- ]+(beating|topping)\b|\b(tops?|topped|topping|beats?|ahead of|above|better than|exceeds?|higher than) (\w+[’']?s? ){0,4}?(estimates?|forecasts?|expectations?|expected|consensus|views?|guidance|street|polls?)\b/gi,
    weight: 1.3,
    why: "better than expected",
  },
  {
    pattern:
      /\b(miss(es|ed)?|lags?|lagged|trails?|trailed|below|short of|worse than|lower than|under) (\w+[’']?s? ){0,4}?(estimates?|forecasts?|expectations?|expected|consensus|views?|guidance|street|polls?)\b/gi,
    weight: -1.3,
    why: "worse than expected",
  },
  {
    pattern:
      /\b(pares?|pared|erases?|erased|gives? up|gave up|trims?|trimmed|surrenders?|wipes? out|reverses?) (\w+ ){0,2}?gains\b/gi,
    weight: -1,
    why: "gains are given back",
  },
  {
    pattern: /\b(pares?|pared|erases?|erased|trims?|trimmed|recoups?|recovers?) (\w+ ){0,2}?loss(es)?\b/gi,
    weight: 0.7,
    why: "losses are made up",
  },
  {
    pattern:
      /\b(extends?|extended|extending|deepens?|continues?|adds? to) (\w+ ){0,2}?(loss(es)?|declines?|fall|falls|slide|losing|slump|drop)\b/gi,
    weight: -1.3,
    why: "a fall goes on",
  },
  {
    pattern:
      /\b(extends?|extended|extending|continues?|adds? to) (\w+ ){0,2}?(gains?|rally|rise|winning|advance|upmove|climb)\b/gi,
    weight: 1.3,
    why: "a rise goes on",
  },
  {
    pattern:
      /\brais(e|es|ed|ing)\s+(up to |upto |over |around |about |nearly |as much as |at least )?((Rs|INR|USD|EUR)\b\.?|[$€£₹]|funds?\b|capital\b|money\b|cash\b|equity\b|fresh\b)|\bfund[- ]?raising\b/gi,
    weight: 0,
    why: "financing",
  },
  { pattern: /\b(output|production|supply|opec\+?) (cuts?|curbs?)\b/gi, weight: 0.5, why: "supply falls" },
  {
    pattern:
      /\b(take|takes|took|taking) a (big |huge |further )?(hit|beating|knock|toll)\b|\bhit(s|ting)? (hard|by|profits?|margins?|sales|earnings|demand|business|growth|sentiment)\b|\btak(e|es|ing) (a |its )?toll\b/gi,
    weight: -1,
    why: "harm",
  },
  {
    pattern: /\bfirms? (up|at|on|to|as|by|above|against|in)\b(?= [a-z\d])/gi,
    weight: 0.6,
    why: "prices rise",
  },
  {
    pattern:
      /\b(looks?|looking|remains?|seems?|is|are|stays?) (very |quite |pretty |really |extremely |fairly |still )?(good|well placed|great|better|attractive|cheap|promising|undervalued)\b/gi,
    weight: 0.9,
    why: "an opinion",
  },
  {
    pattern:
      /\b(looks?|looking|remains?|seems?|is|are|stays?) (very |quite |pretty |really |extremely |fairly |still |too )?(bad|expensive|overvalued|poor|pricey|overbought|stretched)\b/gi,
    weight: -0.9,
    why: "an opinion",
  },
  {
    pattern:
      /\bgood (for|bet|buy|pick|time|opportunity|stock|stocks|value|returns|results|quarter|performance|growth|news|investment|numbers|upside|entry)\b/gi,
    weight: 0.8,
    why: "an opinion",
  },
  {
    pattern:
      /\b(go|going|went|stay|remain|are|is|be|turn|turns|turned|creating|initiate|hold|holding|added?) long\b|\blong (bets|positions?|side)\b|\blong on\b/gi,
    weight: 0.8,
    why: "a bet on a rise",
  },
  {
    pattern:
      /\b(go|going|went|stay|remain|are|is|be|creating|initiate|hold|holding) short\b|\bshort (bets|positions?|sellers?|side|it)\b/gi,
    weight: -0.8,
    why: "a bet on a fall",
  },
  {
    pattern:
      /\b(funds?|investors?|fiis?|insiders?|institutions?|promoters?|traders|analysts) (are |is |have been |keep |kept )?(buying|bullish|piling into|loading up|crazy about|betting big)\b/gi,
    weight: 0.9,
    why: "buyers come in",
  },
  {
    pattern:
      /\b(funds?|investors?|fiis?|insiders?|institutions?|promoters?|traders|analysts) (are |is |have been |keep |kept )?(selling|dumping|bearish|fleeing|cashing out|shorting)\b/gi,
    weight: -1,
    why: "sellers come in",
  },
  {
    pattern:
      /\b(above|crosses|crossed|breaches|tops|topped|reclaims|regains|past|breaks (above|through|past)|surpasses) (the )?(Rs\.? ?|[$€£₹])?\d[\d,.]*k?\b(?! (per ?cent|pc|%))/gi,
    weight: 0.6,
    why: "above a level",
  },
  {
    pattern:
      /\b(below|under|beneath|breaks below) (the )?(Rs\.? ?|[$€£₹])?\d[\d,.]*k?\b(?! (per ?cent|pc|%))/gi,
    weight: -0.6,
    why: "below a level",
  },
  { pattern: /\bdebt[- ](laden|ridden|trap|crisis|burden|woes)\b/gi, weight: -0.7, why: "a burden" },
  { pattern: /\bstop[- ]?loss(es)?\b/gi, weight: 0, why: "an order type" },
  { pattern: /\bprofit[- ](booking|taking)\b/gi, weight: -0.8, why: "sellers cash in" },
  {
    pattern:
      /\b(all[- ]time|record|life[- ]?time|fresh|new|multi[- ]?(year|month)|\d{1,3}[- ]?(week|wk|month|mth|year|yr)s?|(one|two|three|four|five|six|seven|eight|nine|ten)[- ](week|month|year|mth)s?)[- ]+(record[- ])?(highs?|peaks?)\b/gi,
    weight: 1.3,
    why: "a new high",
  },
  {
    pattern:
      /\b(all[- ]time|record|life[- ]?time|fresh|new|multi[- ]?(year|month)|\d{1,3}[- ]?(week|wk|month|mth|year|yr)s?|(one|two|three|four|five|six|seven|eight|nine|ten)[- ](week|month|year|mth)s?)[- ]+(lows?|bottoms?)\b/gi,
    weight: -1.3,
    why: "a new low",
  },
  {
    pattern:
      /\b(hits?|hitting|at|near|near(ing|s)|sets?|fresh|to|touch(es)?|scales?|notch(es)?) (a |an |its |another |fresh |new |intraday |closing )*(record(s)?|peaks?|highs?)\b/gi,
    weight: 1.1,
    why: "a new high",
  },
  {
    pattern:
      /\b(hits?|hitting|at|near|near(ing|s)|sets?|touch(es)?) (a |an |its |another |fresh |new )*(lows?)\b/gi,
    weight: -1.1,
    why: "a new low",
  },
  { pattern: /\b(in|into) (the )?(green|black)\b/gi, weight: 1.1, why: "above the last close" },
  { pattern: /\b(in|into) (the )?red\b/gi, weight: -1.1, why: "below the last close" },
  { pattern: /\b(sell|selling)[- ]?offs?\b/gi, weight: -1.3, why: "heavy selling" },
  { pattern: /\bselling pressure\b/gi, weight: -1.2, why: "heavy selling" },
  {
    pattern:
      /\b(buying interest|on buying|value buying|short[- ]covering|bargain hunting|bottom fishing)\b/gi,
    weight: 0.8,
    why: "buyers come in",
  },
  { pattern: /\b(trade|currency|price|tariff) wars?\b/gi, weight: -0.8, why: "a conflict" },
  {
    pattern: /\b(bear|bearish) (market|grip|phase|call|territory)s?\b/gi,
    weight: -1.2,
    why: "falling prices",
  },
  { pattern: /\b(bull|bullish) (market|run|phase|call)s?\b/gi, weight: 1.1, why: "rising prices" },
  {
    pattern: /\b(write[- ]?(offs?|downs?)|profit warnings?|ponzi|accounting irregularities)\b/gi,
    weight: -1.3,
    why: "a loss",
  },
  { pattern: /\b(job|staff|workforce) cuts?\b/gi, weight: -0.9, why: "jobs are lost" },
  { pattern: /\b(cost|rate|tax|duty) cuts?\b/gi, weight: 0.6, why: "a burden falls" },
  { pattern: /\b(rate|tax|duty|fuel|tariff) hikes?\b/gi, weight: -0.5, why: "a burden rises" },
  {
    pattern: /\b(outlook|guidance|forecast|dividend|rating|target) cuts?\b/gi,
    weight: -1.1,
    why: "an expectation falls",
  },
  { pattern: /\b(steps?|stepping|stepped) down\b/gi, weight: -0.2, why: "someone leaves" },
  {
    pattern:
      /\b(rounds?|rounding|wraps?|sets?|set|signs?|teams?|opens?|ends?|end|winds?|start|starts?|show|shows|catch|sum|make|makes|clean|line|lines|backs?|ramp|follow|come|comes|came|build|builds|start|buckle|take|takes|gear|gears|pick|pile|size) up\b/gi,
    weight: 0,
    why: "a phrase",
  },
  {
    pattern:
      /\b(break|breaks|breaking|broken|boil|lock|locked|crack(s|ed|ing)?|clamps?|double[sd]?|lay|lays|pin|write|sit|tone|track|countdown|look|turn|turns|turned|turning) down\b/gi,
    weight: 0,
    why: "a phrase",
  },
  { pattern: /\bstart[- ]?ups?\b/gi, weight: 0, why: "a young company" },
  {
    pattern: /\b(top|key|biggest|best|worst) (gainers?|losers?) (and|&) (gainers?|losers?)\b/gi,
    weight: 0,
    why: "a list",
  },
  { pattern: /\b(gainers?|losers?) (and|&|,|\/) (gainers?|losers?)\b/gi, weight: 0, why: "a list" },
  {
    pattern: /\b(non[- ]?performing|bad|stressed) (assets?|loans?|debts?)\b/gi,
    weight: -0.7,
    why: "loans that are not repaid",
  },
  {
    pattern: /\b(growth|value|income) (stocks?|investors?|investing|funds?|fund)\b/gi,
    weight: 0,
    why: "a style",
  },
  {
    pattern: /\b(market|stock|share) (cap|capitalisation|capitalization|movers?)\b/gi,
    weight: 0,
    why: "a term",
  },
  {
    pattern:
      /\b(strong|good|safe|worth|right|great|best|top|conviction|screaming)[- ]+(a )?(buys?|bets?|picks?|bargain)\b/gi,
    weight: 1.1,
    why: "a recommendation",
  },
  { pattern: /\b(top|hot|best) (sectors?|stocks?|ideas?)\b/gi, weight: 0.7, why: "a recommendation" },
  {
    pattern: /\bbuy (on|at|in) (every )?(dips?|declines?|lower|corrections?)\b/gi,
    weight: 1.1,
    why: "a recommendation",
  },
  {
    pattern: /\b(sell|exit) (on|at|in) (every )?(rall(y|ies)|rise|bounces?|higher)\b/gi,
    weight: -1.1,
    why: "a recommendation",
  },
  {
    pattern: /\b(stay|stays|staying|keep|keeps) (away|out|off|clear)( (from|of))?\b/gi,
    weight: -1,
    why: "a recommendation",
  },
  { pattern: /\b(book|booking) (profits?|gains?)\b/gi, weight: -0.6, why: "a recommendation" },
  {
    pattern: /\b(not|don't|do not|never|wouldn't|would not) (buy|chase|invest|recommend)\b/gi,
    weight: -1,
    why: "a recommendation",
  },
  {
    pattern: /\b(loses?|losing|lost) (steam|ground|momentum|sheen|shine|a bull|sight)\b/gi,
    weight: -1,
    why: "a fall",
  },
  { pattern: /\b(gains?|gaining|gained) (steam|ground|momentum|traction)\b/gi, weight: 1, why: "a rise" },
  {
    pattern:
      /\b(little|barely|hardly) (changed|moved)|\b(un|not much )changed|\bflat(tish)?\b|\brange[- ]?bound\b|\bsideways\b|\bconsolidat\w+|\bsteady\b|\bmixed\b/gi,
    weight: 0,
    why: "no change",
  },
];
