/** A venue and a client in one process, so that one clock times both: sends trades over what connects to it, and notes when each comes back. */
import { liveBinance } from "@tapedeck/testkit/liveBinance";
import { WebSocket } from "ws";

/** Prices far from 0, so that one more is no jump. */
const basePrice = 1_000_000;

interface Run {
  url: string;
  key: string;
  symbol: string;
  /** Sent first by the client; empty: nothing. */
  greeting: string;
  perSecond: number;
  seconds: number;
}

const venue = await liveBinance();
process.send!({ socketUrl: venue.socketUrl, restUrl: venue.restUrl });

process.on("message", (run: Run) => {
  void measure(run).then((delaysMs) => process.send!({ delaysMs }));
});

/** From a trade's sending until it is read, ms each; the first second is left out. */
async function measure({ url, key, symbol, greeting, perSecond, seconds }: Run): Promise<number[]> {
  const client = new WebSocket(url, {
    perMessageDeflate: false,
    headers: { authorization: `Bearer ${key}` },
  });
  const total = perSecond * seconds;
  /** By the trade's price, which is its number. */
  const sentMs = new Float64Array(total + 1);
  const delaysMs: number[] = [];
  let done: () => void = () => undefined;
  const all = new Promise<void>((resolve) => (done = resolve));
  const answered = new Promise<void>((resolve) => {
    client.on("message", (data: Buffer) => {
      const text = data.toString();
      if (text.includes('"snapshot"')) resolve();
      const price = /"(?:price|p)":"?(\d+)/.exec(text);
      if (price === null || text.includes('"snapshot"')) return;
      const number = Number(price[1]) - basePrice;
      if (number > perSecond) delaysMs.push(performance.now() - sentMs[number]!);
      if (number === total) done();
    });
  });
  await new Promise((resolve, reject) => client.once("open", resolve).once("error", reject));
  if (greeting === "") await new Promise((resolve) => setTimeout(resolve, 500));
  else {
    client.send(greeting);
    await answered;
  }
  const startMs = performance.now();
  for (let sent = 0; sent < total;) {
    const due = Math.min(total, Math.floor(((performance.now() - startMs) / 1_000) * perSecond));
    for (; sent < due;) {
      sent += 1;
      sentMs[sent] = performance.now();
      venue.trade(basePrice + sent, { symbol });
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await all;
  client.terminate();
  return delaysMs;
}
