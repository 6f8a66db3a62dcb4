import type { EventDirection, EventKind } from "./kinds.ts";

/**
 * The sentences that tell of an event, by kind: own patterns, from how news is written. English. A rule holds where one of
 * `says` matches and none of `unless` does; the first of `directions` that matches decides, else `otherwise`, and where
 * that is "tone" the sentence's sentiment does.
 */
export interface EventRule {
  kind: EventKind;
  says: readonly RegExp[];
  unless?: readonly RegExp[];
  directions: readonly (readonly [RegExp, EventDirection])[];
  otherwise: EventDirection | "tone";
}

const any = (source: string) => new RegExp(source, "iu");

const period = String.raw`(?:(?:first|second|third|fourth|1st|2nd|3rd|4th|[QH][1-4]|[1-4]Q)(?:[- ](?:fiscal[- ])?(?:quarter|half))?|quarter(?:ly|s)?|half[- ]year|full[- ]year|fiscal|annual|(?:three|six|nine|twelve) months|year[- ](?:earlier|ago)|a year (?:earlier|ago|before))`;
const result = String.raw`(?:earnings|profits?|net (?:income|loss|profit)|loss(?:es)?|revenues?|sales|results|EPS|operating (?:income|profit|loss)|EBITDA|bookings|income)`;
const verdict = String.raw`(?:beat(?:s|ing)?|top(?:s|ped|ping)?|miss(?:es|ed|ing)?|exceed(?:s|ed)?|surpass(?:es|ed)?|f[ae]ll(?:s)? short|match(?:es|ed)?|in line with|(?:came|comes?) in (?:above|below|at)|ahead of|wider[- ]than|better[- ]than|worse[- ]than|vs\.?)`;
const estimates = String.raw`(?:estimates?|expectations?|consensus|forecasts?|expected|targets?|the street|analysts)`;
const moved = String.raw`(?:rose|rises?|f[ae]ll(?:s|en)?|jump(?:s|ed)?|drop(?:s|ped)?|climb(?:s|ed)?|gr[eo]w(?:s|n)?|declin(?:es?|ed)|soar(?:s|ed)?|plung(?:es?|ed)|plummet(?:s|ed)?|slump(?:s|ed)?|doubl(?:es?|ed)|tripl(?:es?|ed)|decreas(?:es?|ed)|increas(?:es?|ed)|surg(?:es?|ed)|slid(?:es?)?|sank|sinks?|shr[au]nk|shrinks?|widen(?:s|ed)?|narrow(?:s|ed)?|swung|swings|gain(?:s|ed)?|slip(?:s|ped)?|turn(?:s|ed)?|totall?ed|amounted|was|were|improv(?:es?|ed))`;
const told = String.raw`(?:report(?:s|ed|ing)?|post(?:s|ed|ing)?|deliver(?:s|ed)?|announc(?:es|ed)|book(?:s|ed)?|record(?:s|ed)?|swung|swings|turn(?:s|ed)?|narrow(?:s|ed)?|widen(?:s|ed)?|releas(?:es|ed)|beats?|miss(?:es|ed)?|tops?|topped)`;
const change = String.raw`(?:rais(?:es?|ed|ing)|lift(?:s|ed|ing)?|boost(?:s|ed|ing)?|hik(?:es?|ed|ing)|increas(?:es?|ed|ing)|cut(?:s|ting)?|lower(?:s|ed|ing)?|slash(?:es|ed|ing)?|trim(?:s|med|ming)?|reduc(?:es?|ed|ing)|withdr[ae]w(?:s|n|ing)?|scrap(?:s|ped)?|suspend(?:s|ed|ing)?|pull(?:s|ed)?|abandon(?:s|ed)?|reaffirm(?:s|ed|ing)?|reiterat(?:es?|ed|ing)|maintain(?:s|ed|ing)?|confirm(?:s|ed)?|narrow(?:s|ed|ing)?|issu(?:es?|ed)|giv(?:es?|en)|gave|provid(?:es?|ed)|updat(?:es?|ed)|upgrad(?:es?|ed)|downgrad(?:es?|ed)|halv(?:es?|ed)|revis(?:es?|ed)|set|sets)`;
const outlookWord = String.raw`(?:guidance|outlook|forecasts?|projections?|(?:annual|full[- ]year|profit|sales|revenue|earnings|margin|long[- ]term|growth) targets?)`;
const down = String.raw`(?:cut|lower|slash|trim|reduc|withdr[ae]w|scrap|suspend|pull|abandon|downgrad|halv|warn)`;
const officer = String.raw`(?:CEO|CFO|COO|CTO|chief (?:executive|financial|operating|technology|marketing|scientific|legal|information|commercial|product|accounting)(?: officer)?|[\w-]+ chief|chair(?:man|woman|person)?|president|managing director|finance director|directors?|general counsel|board)`;
const court = String.raw`(?:judge|jury|courts?|tribunal|regulators?|SEC|Securities and Exchange Commission|DOJ|Justice Department|FTC|CFTC|Federal Trade Commission|European Commission|European Union|EU|watchdog|prosecutors?|attorney general|shareholders?|investors|class action)`;
const index = String.raw`(?:S&P (?:500|400|600)|Dow(?: Jones(?: Industrial Average)?)?|Nasdaq[- ]?100|FTSE(?: \d+)?|Russell \d+|DAX|MSCI [A-Z]\w+|Nifty(?: 50)?|Stoxx \d+|benchmark index)`;
const exchange = String.raw`(?:Nasdaq|NYSE|New York Stock Exchange|London Stock Exchange|stock exchange|stock market|exchange|Binance|Coinbase|Kraken|Robinhood|Bybit|OKX)`;

const growth: readonly (readonly [RegExp, EventDirection])[] = [
  [
    any(
      String.raw`\b(?:net )?loss(?:es)?\b[^;]{0,30}\b(?:narrow|shr[aiu]nk|shrinks|halv)|\b(?:narrow|cut|reduc|halv|shr[aiu]nk)\w*\b[^;]{0,30}\bloss`,
    ),
    "good",
  ],
  [
    any(
      String.raw`\b(?:miss(?:es|ed|ing)?|f[ae]ll(?:s)? short|below|wider[- ]than|worse[- ]than|disappoint\w*)\b|\bswung to an? (?:\w+ )*loss|\bloss(?:es)?\b[^;]{0,25}\bwiden|\bwiden\w*\b[^;]{0,25}\bloss`,
    ),
    "bad",
  ],
  [
    any(
      String.raw`\b(?:beat(?:s|ing)?|topp?(?:s|ed|ing)?|exceed\w*|surpass\w*|above|better[- ]than|ahead of|record (?:\w+ )?(?:profit|revenue|earnings|sales|results))\b|\bfirst\b[^;]{0,30}\bprofit\b`,
    ),
    "good",
  ],
];

export const eventRules: readonly EventRule[] = [
  {
    kind: "split",
    says: [
      any(String.raw`\b(?:stock|share) splits?\b`),
      any(
        String.raw`\b(?:\d+|two|three|four|five|six|seven|eight|ten|twenty|one)[- ]for[- ](?:\d+|one|two|three|five|ten|twenty)\b[^;]{0,20}\b(?:split|bonus|consolidation)`,
      ),
      any(String.raw`\breverse split\b|\bbonus (?:share )?issue\b`),
    ],
    unless: [any(String.raw`\b(?:wheth|could|might|should|if)\w*\b[^;]{0,40}\bsplit`)],
    directions: [],
    otherwise: "neutral",
  },
  {
    kind: "dividend",
    says: [
      any(
        String.raw`\b(?:declar(?:es?|ed)|rais(?:es?|ed)|lift(?:s|ed)?|hik(?:es?|ed)|boost(?:s|ed)?|increas(?:es?|ed)|cut(?:s)?|slash(?:es|ed)?|lower(?:s|ed)?|suspend(?:s|ed)?|scrap(?:s|ped)?|halv(?:es|ed)|eliminat(?:es|ed)|omit(?:s|ted)|reinstat(?:es?|ed)|resum(?:es?|ed)|initiat(?:es?|ed)|approv(?:es|ed)|pay(?:s)?|paid|announc(?:es|ed)|propos(?:es|ed)|maintain(?:s|ed)?|skip(?:s|ped)?)\b[^;]{0,50}\b(?:dividends?|distribution per (?:share|unit)|payout)\b(?! (?:yield|stocks?|ratio|policy|aristocrat|growth))`,
      ),
      any(
        String.raw`\bdividend (?:increase|cut|hike|reduction|of (?:[$€£₹]|Rs\.? ?|\d))|\bdividend\b[^;]{0,30}\bpayable\b`,
      ),
      any(
        String.raw`\b(?:announc|authori[sz]|launch|approv|unveil|rais|expand|complet|start|begin|halt|suspend|add)\w*\b[^;]{0,60}\b(?:buy[- ]?backs?|repurchase)\b`,
      ),
    ],
    unless: [any(String.raw`\b(?:whether|should|nothing has been announced|could)\b`)],
    directions: [
      [
        any(
          String.raw`\b(?:cut(?:s)?|slash|lower|suspend|scrap|halv|eliminat|omit|skip|halt)\w*\b[^;]{0,40}\b(?:dividend|payout|buy[- ]?back|repurchase)|dividend cut`,
        ),
        "bad",
      ],
      [
        any(
          String.raw`\b(?:rais|lift|hik|boost|increas|reinstat|resum|initiat)\w*\b[^;]{0,40}\b(?:dividend|payout)|dividend (?:increase|hike)|\b(?:special|record) dividend|buy[- ]?back|repurchase`,
        ),
        "good",
      ],
    ],
    otherwise: "neutral",
  },
  {
    kind: "guidance",
    says: [
      any(String.raw`\b${change}\b[^;]{0,60}\b${outlookWord}\b`),
      any(
        String.raw`\bprofit warning\b|\bwarn(?:s|ed)\b[^;]{0,40}\b(?:earnings|profits?|sales|revenues?|margins?)\b`,
      ),
      any(
        String.raw`\b(?:expects?|sees|forecasts?|projects?|anticipates?|guid(?:es|ed)|said that|said its?)\b[^;]{0,60}\b${period}\b[^;]{0,60}\b(?:${result}|margins?)\b`,
      ),
      any(
        String.raw`\b(?:expects?|sees|forecasts?|projects?|anticipates?|guid(?:es|ed))\b[^;]{0,50}\b(?:${result}|margins?|growth)\b[^;]{0,80}(?:\b${period}\b|this year|next year|\b20\d\d\b|\b(?:above|below)\b)`,
      ),
      any(
        String.raw`\b(?:revenue|sales|profits?|earnings|margins?)\b[^;]{0,20}\bwould\b[^;]{0,30}\b(?:declin|ris|gr[eo]w|fall|increas|drop|come in)`,
      ),
    ],
    unless: [
      any(
        String.raw`\b(?:analysts?|economists?|traders|IMF|World Bank|OECD|Wall Street|surveyed|investors)\b[^;]{0,30}\b(?:expect|see|forecast|project|anticipat)`,
      ),
      any(
        String.raw`\b(?:Moody['’]?s|Fitch|S&P Global)\b[^;]{0,60}\boutlook\b|\bguidance notes?\b|\bprice forecasts?\b`,
      ),
    ],
    directions: [
      [
        any(
          String.raw`\b(?:rais|lift|boost|hik|increas|upgrad)\w*\b[^;]{0,60}\b${outlookWord}|\bup from\b|\babove (?:estimates|expectations|consensus|forecasts)`,
        ),
        "good",
      ],
      [
        any(
          String.raw`\b${down}\w*\b[^;]{0,60}\b(?:${outlookWord}|earnings|profits?|sales|revenues?)|\bprofit warning\b|\bwould (?:decline|fall|drop|shrink)|\bbelow (?:estimates|expectations|consensus|forecasts)|\blow end\b|\bdown from\b`,
        ),
        "bad",
      ],
      [any(String.raw`\b(?:reaffirm|reiterat|maintain|confirm|narrow)`), "neutral"],
    ],
    otherwise: "neutral",
  },
  {
    kind: "rating",
    says: [
      any(
        String.raw`\b(?:up|down)grad(?:es?|ed|ing)\b[^;]{0,60}\b(?:to|at|by|from|on)\b[^;]{0,40}|\b(?:up|down)graded\b`,
      ),
      any(
        String.raw`\b(?:price )?target\b[^;]{0,40}\b(?:to|by|from|of)\b[^;]{0,6}[$€£₹\d]|\b(?:rais|lift|boost|hik|cut|lower|slash|trim|increas|reduc)\w*\b[^;]{0,40}\bprice targets?\b`,
      ),
      any(
        String.raw`\b(?:rais|lift|lower|cut|slash|trim|boost)\w* (?:its |their |the )?(?:price )?target (?:price )?(?:on|for)\b`,
      ),
      any(
        String.raw`\b(?:cut|rais|lower|lift|mov|rat|reiterat|maintain)\w*\b[^;,]{0,30}\b(?:to|at|of) ["“'’]?(?:strong |conviction )?(?:buy|sell|hold|neutral|overweight|underweight|equal[- ]?weight|outperform|underperform|market perform|sector perform|accumulate|reduce)\b`,
      ),
      any(
        String.raw`\b(?:initiat|start|resum|reinstat|assum)\w*\b[^;]{0,30}\b(?:coverage|at (?:an? )?(?:buy|sell|hold|neutral|overweight|underweight|equal[- ]?weight|outperform|underperform))\b`,
      ),
      any(
        String.raw`\b(?:Moody['’]?s|Fitch|S&P(?: Global)?(?: Ratings)?|DBRS)\b[^;]{0,60}\b(?:rat(?:ing|ed|es)|junk|affirm\w*|outlook)\b|\bcredit rating\b[^;]{0,40}\b(?:to|by)\b`,
      ),
    ],
    unless: [
      any(
        String.raw`\bupgrad\w*\b[^;]{0,20}\b(?:software|cycle|network|system|systems|fleet|app|hardware|plants?|aircraft|infrastructure|facilit\w+)\b`,
      ),
      any(String.raw`\b(?:sales|revenue|profit|earnings) target`),
    ],
    directions: [
      [
        any(
          String.raw`\bdowngrad|\b(?:cut|lower|slash|trim|reduc)\w*\b|\bto (?:junk|sell|underweight|underperform|reduce)\b|\bat (?:sell|underweight|underperform)\b`,
        ),
        "bad",
      ],
      [
        any(
          String.raw`\bupgrad|\b(?:rais|lift|boost|hik|increas)\w*\b|\b(?:to|at|with an?|of) ["“'’]?(?:strong |conviction )?(?:buy|overweight|outperform|accumulate)\b`,
        ),
        "good",
      ],
      [any(String.raw`\bwith an? (?:sell|underweight|underperform)\b|^["“'‘]?sell\b`), "bad"],
      [any(String.raw`^["“'‘]?buy\b|\bbuy (?:for|with) a target`), "good"],
    ],
    otherwise: "neutral",
  },
  {
    kind: "earnings",
    says: [
      any(String.raw`\b${told}\b[^;]{0,70}\b${result}\b[^;]{0,90}\b(?:${period}|per share|a share)\b`),
      any(
        String.raw`\b${told}\b[^;]{0,60}\b(?:${period}|wider-than-expected|better-than-expected)\b[^;]{0,40}\b${result}\b`,
      ),
      any(String.raw`\b${period}\b[^;]{0,50}\b${result}\b[^;]{0,80}\b(?:${moved}|${verdict})\b`),
      any(String.raw`\b${result}\b[^;]{0,60}\b(?:${moved}|${verdict})\b[^;]{0,90}\b${period}\b`),
      any(String.raw`\b(?:${result}|earnings per share)\b[^;]{0,60}\b${verdict}\b[^;]{0,40}\b${estimates}\b`),
      any(String.raw`\b(?:earnings|results|profits?) (?:beat|beats|miss|misses|top|tops)\b`),
      any(
        String.raw`\b(?:swung|swings) to an? (?:\w+ )*(?:profit|loss)\b|\bEPS\b[^;]{0,15}\d[^;]{0,20}\b(?:vs\.?|consensus|estimate)`,
      ),
      any(
        String.raw`\b(?:profit|net (?:income|profit|loss)|EBITDA)\b[^;]{0,30}\b(?:${moved})\b[^;]{0,40}\d[^;]{0,40}\bfrom\b[^;]{0,12}\d`,
      ),
      any(String.raw`\b(?:to|will) report\b[^;]{0,50}\b(?:results|earnings)\b`),
    ],
    unless: [
      any(
        String.raw`\b(?:internal survey|poll|should you|ahead of its next report|economy|consumer prices|retail sales|split their)\b`,
      ),
    ],
    directions: [[any(String.raw`\b(?:will|to|expected to|due to|set to) report\b`), "neutral"], ...growth],
    otherwise: "tone",
  },
  {
    kind: "merger",
    says: [
      any(
        String.raw`\b(?:acquir(?:es?|ed|ing)|buys?|bought|purchas(?:es?|ed)|snap(?:s|ped) up|take(?:s)? over|merg(?:es?|ed|ing) (?:with|its)|(?:to|will|would) (?:buy|acquire|merge))\b[^;]{0,80}(?:\bfor (?:about |nearly |around |almost |roughly |up to |more than )?[$€£₹]?\d|\bin an? [^;]{0,40}\bdeal\b|\bstake\b|\bbusiness(?:es)?\b|\bunit\b|\bmaker\b|\bcompany\b|\bbrand\b|\brival\b|\bdivision\b|\bfirm\b|\bstart-?up\b)`,
      ),
      any(
        String.raw`\b(?:agree[sd]?|deal|bid|offer|plans?|talks|completes?|completed|approach|proposal|set|moves?)\b[^;]{0,30}\b(?:to |of |for |its )?(?:\w+ ){0,5}(?:acquire|acquisition|takeover|buyout|merger|merge|buy\b|purchase of)\b`,
      ),
      any(
        String.raw`\b(?:takeover|buyout|merger|tender offer|all-stock bid|spin-?offs?|spins? off|spun off|acquisition)\b[^;]{0,60}\b(?:of|for|with|from|bid|offer|deal|unit|business|approved|completed|agreed|rejected|talks)\b`,
      ),
      any(
        String.raw`\b(?:tak(?:es|en|ing)|took|buys?|bought|acquires?|acquired|sells?|sold|rais(?:es|ed)|cuts?|divests?|divested|offload(?:s|ed)?|exits?)\b[^;]{0,40}\bstakes?\b`,
      ),
      any(
        String.raw`\b(?:sells?|sold|to sell|divests?|divested|offloads?)\b[^;]{0,50}\b(?:assets|unit|business|division|operations|subsidiary|brand)\b[^;]{0,60}(?:\bfor\b|\bto\b)`,
      ),
      any(
        String.raw`\b(?:abandons?|abandoned|scraps?|scrapped|drops? (?:its|the|plans)|dropped (?:its|the|plans)|calls? off|called off|terminates?|terminated|blocks?|blocked|walks? away from|walked away from)\b[^;]{0,50}\b(?:acquisition|takeover|merger|deal|buyout|bid|bidding)\b`,
      ),
      any(String.raw`\bmakes?\b[^;]{0,40}\b(?:bid|offer)\b[^;]{0,10}\bfor\b`),
    ],
    unless: [
      any(
        String.raw`\bacquisition costs?\b|\bcustomer acquisition\b|\bacquired (?:a )?taste|\bdata acquisition\b`,
      ),
      any(
        String.raw`\bbuy(?:ing)? back\b|\bbuy[- ]?backs?\b|\bshould you buy\b|\bstocks? to buy\b|\bbuy rating\b`,
      ),
      any(String.raw`\b(?:denie[sd]|denying|not in talks|no plans? to|ruled? out)\b`),
      any(String.raw`\bsold (?:vehicles|cars|units|copies|shares at)\b`),
    ],
    directions: [
      [
        any(
          String.raw`\b(?:abandon|scrapp?|call(?:s|ed)? off|terminat|block)\w*\b[^;]{0,60}\b(?:acquisition|takeover|merger|deal|bid)`,
        ),
        "bad",
      ],
    ],
    otherwise: "neutral",
  },
  {
    kind: "litigation",
    says: [
      any(String.raw`\b(?:su(?:es|ed|ing))\b(?! for peace)`),
      any(
        String.raw`\b(?:lawsuits?|class[- ]action|legal battle|court (?:case|order|ruling)|antitrust (?:case|suit|charges?|probe|investigation|complaint))\b`,
      ),
      any(
        String.raw`\b(?:fin(?:es|ed)|penalt(?:y|ies)|indict(?:s|ed|ment)|subpoena(?:s|ed)?|plead(?:s|ed)? guilty|convicted|patent infringement|injunction)\b`,
      ),
      any(
        String.raw`\b${court}\b[^;]{0,60}\b(?:su(?:es|ed)|charg(?:es|ed)|investigat(?:es|ed|ing)|prob(?:es|ed|ing)|probe|ruled?|rules|orders?|ordered|dismiss(?:es|ed)|accus(?:es|ed)|alleg(?:es|ed)|settle(?:s|d|ment)?)\b`,
      ),
      any(
        String.raw`\b(?:probe|investigation|inquiry)\b[^;]{0,15}\b(?:into|of|over)\b|\bunder investigation\b`,
      ),
      any(
        String.raw`\bsettl(?:es?|ed|ement)\b[^;]{0,50}\b(?:lawsuits?|suit|claims?|charges|allegations|probe|case|dispute|battle)\b`,
      ),
      any(
        String.raw`\b(?:won|wins|lost|loses)\b[^;]{0,15}\b(?:its |the |an )?(?:appeal|lawsuit|case|suit|patent fight)\b`,
      ),
    ],
    unless: [
      any(String.raw`\b(?:documentary|film|movie|novel|joked|museum)\b`),
      any(String.raw`\bfine (?:tun|art|print)`),
    ],
    directions: [
      [
        any(
          String.raw`\b(?:dismiss|drop|toss|throw|threw|overturn)\w*\b[^;]{0,50}\b(?:case|lawsuit|suit|charges|claims?|fine|ruling|complaint|probe)|\b(?:won|wins)\b[^;]{0,30}\b(?:appeal|case|lawsuit|suit|fight|ruling)|\bclear(?:s|ed) of\b|\bsettl\w+\b[^;]{0,20}\b(?:battle|dispute)\b`,
        ),
        "good",
      ],
    ],
    otherwise: "bad",
  },
  {
    kind: "hack",
    says: [
      any(
        String.raw`\bhack(?:s|ed|ers?)\b|\b(?:exploited|exploit) (?:for|of|on|drain)|\bexploited\b[^;]{0,30}[$€£]\d|\bdrain(?:s|ed)\b[^;]{0,30}[$€£]\d|\b(?:data|security|network|cyber) breach\b|\bcyber-?attacks?\b|\bransomware\b|\brug pull\b|\bprivate keys?\b[^;]{0,20}\b(?:stolen|compromised)|\bwallets?\b[^;]{0,20}\b(?:compromised|drained|hacked)|\battackers?\b[^;]{0,20}\b(?:stole|took|drained|accessed)`,
      ),
    ],
    unless: [
      any(String.raw`\b(?:life|growth|productivity|travel|money)[- ]hacks?\b|\bhackathons?\b|\bethical hack`),
    ],
    directions: [],
    otherwise: "bad",
  },
  {
    kind: "listing",
    says: [
      any(
        String.raw`\b(?:join(?:s|ed)?|added to|add(?:s|ed)?|enter(?:s|ed)?|replac(?:es|ed)|removed from|dropped from|leav(?:es|ing)|included in|inclusion in|ejected from)\b[^;]{0,40}\b(?:the )?${index}\b`,
      ),
      any(String.raw`\b(?:de-?list(?:s|ed|ing)?)\b`),
      any(
        String.raw`\b(?:${exchange}|platform|broker(?:age)?)\b[^;]{0,20}\b(?:lists?|will list|to list|adds?|added|listed)\b[^;]{0,60}\b(?:trading|tokens?|coins?|pairs?|futures|users|customers)\b`,
      ),
      any(
        String.raw`\b(?:IPO|initial public offering|goes public|went public|direct listing|debut(?:s|ed)|made its debut|makes? (?:its )?(?:market |trading )?debut|begins? trading|began trading|starts? trading)\b[^;]{0,60}\b(?:on|at|price[sd]?|raise[sd]?|fil(?:es|ed)|${exchange})\b`,
      ),
      any(
        String.raw`\b(?:approv\w+|launch\w*|reject\w*)\b[^;]{0,50}\b(?:spot )?[\w ]{0,20}\b(?:ETFs?|exchange-traded (?:funds?|products?))\b`,
      ),
      any(String.raw`\b(?:shares|stock|token|coin)\b[^;]{0,20}\b(?:to be |are |is |was |were )?listed on\b`),
    ],
    unless: [any(String.raw`\blisted (?:three|four|five|several|below|his|her)\b|\bshopping list\b`)],
    directions: [
      [any(String.raw`\b(?:de-?list|remov|drop|leav|eject|reject)\w*\b`), "bad"],
      [any(String.raw`\b(?:join|added|adds?|includ|inclusion|lists?\b|listed|approv)\w*\b`), "good"],
    ],
    otherwise: "neutral",
  },
  {
    kind: "management",
    says: [
      any(
        String.raw`\b(?:nam(?:es|ed)|appoint(?:s|ed)|hir(?:es|ed)|pick(?:s|ed)|tap(?:s|ped)|promot(?:es|ed)|elect(?:s|ed)|select(?:s|ed)|install(?:s|ed))\b[^;]{0,80}\b${officer}\b`,
      ),
      any(
        String.raw`\b${officer}\b[^;]{0,60}\b(?:resign(?:s|ed|ing)?|step(?:s|ped)? (?:down|aside|back)|to step down|retir(?:es?|ed|ing)|depart(?:s|ed|ing|ure)?|leav(?:es|ing)|to leave|will leave|is leaving|quit(?:s)?|oust(?:ed)|fired|dismissed|dies|died|replaced|succeed(?:s|ed)?)\b`,
      ),
      any(
        String.raw`\b(?:oust(?:s|ed)|fir(?:es|ed)|replac(?:es|ed)|dismiss(?:es|ed)|suspend(?:s|ed)|part(?:s|ed) ways with)\b[^;]{0,40}\b${officer}\b`,
      ),
      any(
        String.raw`\b(?:resignation|departure|appointment|retirement|ouster)\b[^;]{0,30}\b(?:of|as)\b[^;]{0,40}\b${officer}\b`,
      ),
      any(String.raw`\bto succeed\b[^;]{0,50}\bas\b[^;]{0,20}\b${officer}\b`),
    ],
    unless: [
      any(
        String.raw`\b(?:the|US|U\.S\.|French|Russian|Chinese|former) president (?:named|picked|appointed|said)`,
      ),
    ],
    directions: [
      [
        any(
          String.raw`\b(?:oust|fired|dismissed|abrupt|sudden|scandal|misconduct|forced out|sending shares lower)`,
        ),
        "bad",
      ],
    ],
    otherwise: "neutral",
  },
  {
    kind: "product",
    says: [
      any(
        String.raw`\b(?:launch(?:es|ed)|(?:to|will) (?:launch|unveil|introduce|roll out|release)|unveil(?:s|ed)|introduc(?:es|ed)|roll(?:s|ed) out|releas(?:es|ed)|debut(?:s|ed)(?! (?:at|on)\b)|start(?:s|ed) (?:selling|shipping)|discontinu(?:es|ed))\b(?! (?:its |the )?(?:results|earnings|report|statement|investigation|probe|review|bid|(?:an )?(?:open )?offer|an investigation))`,
      ),
      any(
        String.raw`\brecall(?:s|ed|ing)\b[^;]{0,60}\b(?:vehicles?|cars?|trucks?|SUVs?|units?|products?|devices?|batches|lots|models?|\d)`,
      ),
      any(
        String.raw`\b(?:FDA|EMA|regulators?|health canada|MHRA|drug regulator|authorit(?:y|ies))\b[^;]{0,40}\b(?:approv(?:es|ed|al)|clear(?:s|ed)|reject(?:s|ed)|declin(?:es|ed)|ground(?:s|ed)|authori[sz](?:es|ed)|ban(?:s|ned)?)\b`,
      ),
      any(
        String.raw`\b(?:win|wins|won|gets?|receives?|received|secures?|secured)\b[^;]{0,30}\b(?:approval|clearance|authori[sz]ation)\b`,
      ),
      any(
        String.raw`\b(?:fail(?:s|ed)?|halts?|halted|succeed(?:s|ed)?|met|misse[sd]|positive results)\b[^;]{0,40}\b(?:trial|study|endpoint|sales of|production of|shipments)\b`,
      ),
      any(
        String.raw`\b(?:delay(?:s|ed)?|postpon(?:es|ed))\b[^;]{0,40}\b(?:launch|release|rollout|debut|delivery|deliveries)\b`,
      ),
    ],
    unless: [
      any(
        String.raw`\b(?:documentary|hackathon|hosts?|blog post|(?:board|shareholders?|cabinet) (?:approval|nod)|approval to (?:merge|raise|sell|issue|list)|IPO|debentures?|bonds?|public issue)\b`,
      ),
    ],
    directions: [
      [
        any(
          String.raw`\b(?:recall|fail|halt|reject|delay|postpon|ground|discontinu|defect|ban(?:s|ned))\w*\b|\bdeclined to approve`,
        ),
        "bad",
      ],
    ],
    otherwise: "good",
  },
  {
    kind: "macro",
    says: [
      any(
        String.raw`\b(?:Fed(?:eral Reserve)?|FOMC|ECB|European Central Bank|Bank of (?:England|Japan|Canada|Korea|Mexico)|BoE|BoJ|RBI|Reserve Bank of (?:India|Australia|New Zealand)|PBOC|SNB|Swiss National Bank|Riksbank|central bank)\b[^;]{0,60}\b(?:rais(?:es|ed)|hik(?:es|ed)|cut(?:s)?|lower(?:s|ed)|h[eo]ld(?:s)?|left|leaves|kept|keeps|lift(?:s|ed)|slash(?:es|ed)|paus(?:es|ed)|increas(?:es|ed))\b[^;]{0,40}\b(?:rates?|unchanged|steady|stimulus|bond purchases|policy)\b`,
      ),
      any(
        String.raw`\b(?:consumer prices|CPI|inflation|producer prices|PPI|GDP|gross domestic product|economy|unemployment(?: rate)?|non-?farm payrolls|payrolls|jobless claims|retail sales|industrial (?:production|output)|PMI|housing starts|durable goods orders|trade deficit|consumer confidence|exports|wholesale prices)\b[^;]{0,60}\b(?:rose|rises?|f[ae]ll(?:s|en)?|increas(?:es|ed)|decreas(?:es|ed)|slow(?:s|ed)|accelerat(?:es|ed)|contract(?:s|ed)|shr[aiu]nk|gr[eo]w|expand(?:s|ed)|drop(?:s|ped)|slip(?:s|ped)|climb(?:s|ed)|jump(?:s|ed)|eas(?:es|ed)|edg(?:es|ed)|surg(?:es|ed)|widen(?:s|ed)|narrow(?:s|ed)|was|stood)\b[^;]{0,60}\d`,
      ),
      any(
        String.raw`\b(?:impos(?:es|ed)|announc(?:es|ed)|rais(?:es|ed)|slap(?:s|ped))\b[^;]{0,40}\btariffs?\b`,
      ),
    ],
    unless: [any(String.raw`\b(?:inflation-adjusted|same-store|headquarters|what would)\b`)],
    directions: [
      [
        any(
          String.raw`\b(?:rais|hik|lift|increas)\w*\b[^;]{0,30}\brates?\b|\brate\b[^;]{0,12}\b(?:hike|rise)`,
        ),
        "bad",
      ],
      [any(String.raw`\b(?:cut|lower|slash)\w*\b[^;]{0,30}\brates?\b`), "good"],
      [
        any(String.raw`\b(?:unemployment|jobless)\b[^;]{0,40}\b(?:rose|rises?|climb|jump|increas|surg)`),
        "bad",
      ],
      [any(String.raw`\b(?:unemployment|jobless)\b[^;]{0,40}\b(?:fell|falls?|drop|eas|slip|declin)`), "good"],
      [
        any(String.raw`\b(?:inflation|consumer prices|CPI)\b[^;]{0,40}\b(?:slow|eas|cool|fell|drop|declin)`),
        "good",
      ],
      [
        any(
          String.raw`\b(?:economy|GDP|PMI|retail sales|industrial \w+|exports|confidence)\b[^;]{0,40}\b(?:contract|shr[aiu]nk|fell|falls?|drop|slip|declin)`,
        ),
        "bad",
      ],
      [
        any(
          String.raw`\b(?:economy|GDP|PMI|retail sales|industrial \w+|exports|confidence)\b[^;]{0,40}\b(?:gr[eo]w|expand|rose|ris|jump|climb|accelerat)`,
        ),
        "good",
      ],
    ],
    otherwise: "neutral",
  },
];
