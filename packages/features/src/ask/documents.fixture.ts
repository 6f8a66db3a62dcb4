import type { Db } from "../db.ts";
import { readFile } from "@tapedeck/text/readers/read";
import type { DocumentKind } from "../knowledge/contract.ts";
import { chunksOf, saveSentDocument } from "../knowledge/store.ts";
import type { KnowledgeIndex } from "@tapedeck/core";

/** Two calls of an invented company, the later one warier. */
const calls = [
  `Acme Widgets, Inc. Q2 2025 Earnings Conference Call
August 5, 2025 5:00 PM ET

Company Participants
Ann Lee - Chief Executive Officer
Bob de Vries - Chief Financial Officer

Conference Call Participants
Cara Diaz - Morgan Stanley

Presentation

Operator
Good day, and welcome to the call.

Ann Lee
We had a record quarter, and demand was strong in every region.

Bob de Vries
Gross margin rose to 43 percent. Revenue grew 12 percent to 330 million dollars.

Question-and-Answer Session

Operator
Our first question comes from Cara Diaz.

Cara Diaz
How do you think about pricing?

Ann Lee
Our prices held up well.`,
  `Acme Widgets, Inc. Q3 2025 Earnings Conference Call
November 4, 2025 5:00 PM ET

Company Participants
Ann Lee - Chief Executive Officer
Bob de Vries - Chief Financial Officer

Conference Call Participants
Cara Diaz - Morgan Stanley
Dan Roe - Barclays

Presentation

Operator
Good day, and welcome to the call.

Ann Lee
Demand weakened in Europe, and we lost a large customer. We opened a plant in Ohio.

Bob de Vries
Gross margin fell to 41 percent because of freight. Revenue was 310 million dollars. We may see some further pressure, and we believe that inventories could remain somewhat high.

Question-and-Answer Session

Operator
Our first question comes from Cara Diaz.

Cara Diaz
How confident are you in your guidance for next year?

Bob de Vries
We think it is probably cautious. It assumes roughly flat prices.

Operator
The next question comes from Dan Roe.

Dan Roe
What would you do about the plant in Ohio if orders stay weak?

Ann Lee
We would slow the ramp. We might close one line.`,
];

const calendarCsv = `id,date,time,country,event,importance,actual,forecast,previous,unit,updated
cpi-11,2025-12-10,13:30,US,CPI,high,0.3,0.2,0.4,%,2025-12-10T13:30:00Z
cpi-12,2026-01-13,13:30,US,CPI,high,,0.2,0.3,%,2025-12-15T00:00:00Z
cpi-12-uk,2026-01-21,07:00,UK,CPI,high,,,,%,2025-12-15T00:00:00Z
ism,2026-01-05,15:00,US,ISM manufacturing PMI,high,,48.9,48.2,,2025-12-20T00:00:00Z
nfp,2026-01-09,13:30,US,Nonfarm payrolls,high,,60,64,thousand,2025-12-20T00:00:00Z
acme,2026-01-29,,US,Acme Widgets Q4 2025 earnings,medium,,,,,2025-12-22T00:00:00Z
late,2026-01-06,10:00,EU,Flash estimate of prices,medium,,,,,2026-02-01T00:00:00Z`;

const texts: readonly { kind: DocumentKind; title: string; text: string; published: string }[] = [
  {
    kind: "research",
    title: "NVDA: still room",
    text: "NVDA trades at 31 times forward earnings, which we think is a fair valuation. Supply is the larger risk. We see data centre sales growing by a third.",
    published: "2025-10-01T08:00:00Z",
  },
  {
    kind: "newsletter",
    title: "Metals weekly",
    text: "Copper rose for a fourth week as mines in Chile stayed shut. Gold was little changed.",
    published: "2025-11-14T06:00:00Z",
  },
  {
    kind: "news",
    title: "NVDA opens a laboratory",
    text: "NVDA opens a laboratory in Oulu, the firm said. It gave no figures.",
    published: "2025-11-18T09:00:00Z",
  },
  {
    kind: "post",
    title: "A post",
    text: "Long lines again at the NVDA keynote. The new chip looks hot and loud.",
    published: "2025-11-20T18:00:00Z",
  },
];

/** Calls, a calendar, a note, a newsletter and a post, as imports leave them; those published by then. */
export async function seedDocuments(db: Db, index: KnowledgeIndex, knownMs: number): Promise<void> {
  const ids: string[] = [];
  const save = async (
    kind: DocumentKind,
    document: { title: string; text: string; publishedMs: number },
    details: Partial<Parameters<typeof saveSentDocument>[4]> = {},
  ): Promise<void> => {
    if (document.publishedMs > knownMs) return;
    const sent = { ...document, topic: kind, sources: [], formulas: [] };
    ids.push(await saveSentDocument(db, "shared", sent, document.publishedMs, { kind, ...details }));
  };
  const files = [
    ...calls.map((text, at) => ({ text, filename: `call-${at}.txt` })),
    { text: calendarCsv, filename: "calendar.csv" },
  ];
  for (const { text, filename } of files) {
    for await (const item of readFile(new TextEncoder().encode(text), { filename }).items) {
      if (!item.ok) throw new Error(item.message);
      const { title, kind, company, guesses, publishedMs } = item.document;
      await save(kind, { title, text: item.document.text, publishedMs: publishedMs! }, { company, guesses });
    }
  }
  for (const { kind, title, text, published } of texts)
    await save(kind, { title, text, publishedMs: Date.parse(published) });
  await index.put(await chunksOf(db, ids));
}
