import type { OrderBook } from "./orderBook.ts";
import type { QueueName } from "./define.ts";

/**
 * Ports: what the project needs from outside, each with an embedded default and a production side in
 * packages/platform. Both sides pass one contract suite (packages/platform/src/<port>/*.contract.ts).
 */

export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: object): Log;
}

// ---- queue -----------------------------------------------------------------------------------------------

/** What the queue carries: ids and order, nothing else. The row in `jobs` is the truth. */
export interface QueueItem {
  id: string;
  queue: QueueName;
  /** 1 runs first; larger is later; never 0. */
  priority: number;
  /** W3C traceparent, so that one trace spans request, job and SQL. */
  traceParent?: string;
}

export interface QueueDepth {
  waiting: number;
  prioritized: number;
  delayed: number;
  active: number;
}

export interface QueuePort {
  readonly backend: "postgres" | "redis";
  /** Adds in bulk; ids that the queue knows are left alone. Throws when the queue does not answer. */
  add(items: readonly QueueItem[]): Promise<void>;
  /** Which of these ids the queue knows (waiting, prioritized, delayed or active). */
  known(queue: QueueName, ids: readonly string[]): Promise<Set<string>>;
  /** Removes waiting ones; true where it was removed, false where it is active or unknown. */
  remove(queue: QueueName, id: string): Promise<boolean>;
  /** Puts waiting ones behind those put there before, and ahead of all others; active and unknown ones are left alone. */
  toFront(queue: QueueName, ids: readonly string[]): Promise<void>;
  depth(queue: QueueName): Promise<QueueDepth>;
  pause(queue: QueueName): Promise<void>;
  resume(queue: QueueName): Promise<void>;
  paused(queue: QueueName): Promise<boolean>;
  /** Does it answer within the time? */
  ping(timeoutMs: number): Promise<boolean>;
  /** Starts to take jobs. The process function must not throw: it returns what the queue is to do with the delivery. */
  consume(queue: QueueName, options: ConsumeOptions, process: DeliveryHandler): QueueConsumer;
  close(): Promise<void>;
}

export interface ConsumeOptions {
  /** Deliveries worked on at once. A few more are fetched while each takes but a moment. */
  concurrency: number;
  /** A lock not renewed for this long is lost (renewed at half of it). */
  lockMs: number;
  /** How often lost locks are looked for. */
  stallCheckMs: number;
}

/** done: forget it. requeue: hand it back to the front, now. */
export type DeliveryOutcome = "done" | "requeue";
export type DeliveryHandler = (
  delivery: { id: string; traceParent?: string },
  signal: AbortSignal,
  /** Says that the work is done and only its end is still to be written: another delivery may be worked on. */
  worked: () => void,
) => Promise<DeliveryOutcome>;

export interface QueueConsumer {
  /** Aborts the running delivery with this id in this process; false when it is not here. */
  abort(id: string, reason: unknown): boolean;
  running(): string[];
  /** Takes no more; waits for running deliveries until the deadline, then aborts them (their handlers answer requeue). Never hangs past it. */
  close(deadlineMs: number): Promise<void>;
}

// ---- bus -------------------------------------------------------------------------------------------------

/** Wake-ups only: a lost or doubled message must not matter, since receivers read rows. */
export interface Bus {
  /** Coalesced per channel and key. */
  publish(channel: BusChannel, key: string): void;
  subscribe(channel: BusChannel, listener: (key: string) => void): () => void;
  close(): Promise<void>;
}

/** job: something new in job_events of the job `key`. cancel: the job `key` is to stop. work: the reconciler has something to do. */
export type BusChannel = "job" | "cancel" | "work";

// ---- blobs -----------------------------------------------------------------------------------------------

export interface BlobStore {
  /** Atomic: readers see all of it or nothing. Keys are `/`-separated, [A-Za-z0-9._=-] parts. Returns bytes written. */
  put(key: string, data: Uint8Array | AsyncIterable<Uint8Array>): Promise<number>;
  /** Undefined when there is none. */
  size(key: string): Promise<number | undefined>;
  get(key: string, range?: { start: number; end: number }): AsyncIterable<Uint8Array>;
  /** Reads all of it into `target` (its length must equal the blob's) without intermediate copies. */
  readInto(key: string, target: Uint8Array): Promise<void>;
  delete(key: string): Promise<void>;
  list(prefix: string): AsyncIterable<string>;
}

// ---- knowledge -------------------------------------------------------------------------------------------

/** A passage of a document: what the index holds and a citation opens. */
export interface Chunk {
  /** `documentId` + version + ordinal; stable. */
  id: string;
  documentId: string;
  version: number;
  /** "shared" or a tenant's id. */
  space: string;
  title: string;
  section: string;
  topic: string;
  /** What its document is: "filing", "news", "reference" … */
  kind: string;
  /** Whom its document is about or comes from; null: not known. */
  company: string | null;
  /** Form and fiscal period of a filing, "10-K 2022" or "10-Q 2022 Q3"; null for any other document. */
  period: string | null;
  text: string;
  /** Character span in the document's text. */
  start: number;
  end: number;
  /** When this version became visible. */
  publishedMs: number;
  /** When a later version took its place; absent while it is the newest. */
  supersededMs?: number;
}

export interface ChunkHit extends Chunk {
  /** Larger is better; comparable within one search only. */
  score: number;
  /** Share in [0, 1] of the question's content words that the passage, its section or its title holds: little means thin evidence. */
  coverage: number;
}

export interface ChunkQuery {
  text: string;
  limit: number;
  /** "shared" plus the caller's tenant. */
  spaces: readonly string[];
  /** The versions that were the newest at this time; nothing published after it is seen. Absent: the newest of all. */
  asOfMs?: number;
  documentIds?: readonly string[];
  kinds?: readonly string[];
  /** As the documents name it. */
  company?: string;
}

export interface KnowledgeIndex {
  readonly backend: "lancedb" | "weaviate";
  /** Replaces all chunks, of every version, of the documents that these belong to. */
  put(chunks: readonly Chunk[]): Promise<void>;
  removeDocument(documentId: string): Promise<void>;
  search(query: ChunkQuery): Promise<ChunkHit[]>;
  count(): Promise<number>;
  /** Compares with what should be there: missing and unexpected chunk ids. */
  check(expectedIds: readonly string[]): Promise<{ missing: string[]; unexpected: string[] }>;
  /**
   * Ids of chunks that are there and that a search by their own vector does not find: a server that was killed may have
   * lost them. Reads every chunk. Empty without embeddings.
   */
  findLost(): Promise<string[]>;
  /** Builds the index anew from all chunks without downtime. */
  rebuild(chunks: AsyncIterable<readonly Chunk[]>): Promise<void>;
  close(): Promise<void>;
}

// ---- language model --------------------------------------------------------------------------------------

export interface ModelTool {
  name: string;
  description: string;
  /** JSON Schema of its arguments. */
  parameters: Record<string, unknown>;
}

export type ModelMessage =
  | { role: "system" | "user"; content: string }
  | { role: "assistant"; content: string; toolCalls?: ModelToolCall[] }
  | { role: "tool"; toolCallId: string; content: string };

export interface ModelToolCall {
  id: string;
  name: string;
  /** As the model wrote it; may be malformed. */
  arguments: string;
}

export interface LanguageModel {
  readonly name: string;
  /** Throws AppError `model.unavailable` (retryable where the provider says so). */
  complete(request: {
    messages: readonly ModelMessage[];
    tools: readonly ModelTool[];
    signal: AbortSignal;
    maxTokens: number;
  }): Promise<{
    content: string;
    toolCalls: ModelToolCall[];
    usage: { inputTokens: number; outputTokens: number };
  }>;
}

export interface Embeddings {
  readonly name: string;
  readonly dimensions: number;
  embed(texts: readonly string[], signal?: AbortSignal): Promise<Float32Array[]>;
}

// ---- venues ----------------------------------------------------------------------------------------------

export interface VenueOrder {
  clientOrderId: string;
  instrumentId: string;
  side: "buy" | "sell";
  type: "market" | "limit";
  /** Decimal text. */
  quantity: string;
  limitPrice?: string;
  /** Default gtc. */
  timeInForce?: "gtc" | "ioc" | "fok";
}

export interface VenueFill {
  tradeId: string;
  clientOrderId: string;
  price: string;
  quantity: string;
  fee: string;
  feeCurrency: string;
  eventMs: number;
}

export type VenueOrderStatus =
  | "accepted"
  | "partiallyFilled"
  | "filled"
  | "cancelled"
  | "rejected"
  | "expired";

export interface VenueOrderReport {
  clientOrderId: string;
  venueOrderId: string;
  status: VenueOrderStatus;
  filledQuantity: string;
  reason?: string;
  fills: VenueFill[];
}

/** Where orders go. Every call has a timeout; no answer is AppError `venue.unavailable`, a clear no is `order.rejected`. */
export interface ExecutionVenue {
  readonly id: string;
  /** True for paper: said in every order, fill and page. */
  readonly simulated: boolean;
  /** An order not known to the venue this long after it was sent can no longer arrive there. */
  readonly inFlightMs: number;
  submit(order: VenueOrder, signal: AbortSignal): Promise<VenueOrderReport>;
  cancel(clientOrderId: string, instrumentId: string, signal: AbortSignal): Promise<VenueOrderReport>;
  /** Undefined only when the venue says that it does not know the order. */
  fetchOrder(
    clientOrderId: string,
    instrumentId: string,
    signal: AbortSignal,
  ): Promise<VenueOrderReport | undefined>;
}

export interface VenueBar {
  openMs: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
}

/** Where bars come from, a page at a time, oldest first. */
export interface BarSource {
  readonly id: string;
  fetchBars(
    request: { symbol: string; timeframe: string; fromMs: number; toMs: number; limit: number },
    signal: AbortSignal,
  ): Promise<VenueBar[]>;
}

/** A public print as a venue tells it. */
export interface VenueTrade {
  symbol: string;
  /** The venue's own number: those of a symbol follow each other without a hole. Null where the venue has none. */
  tradeId: number | null;
  eventMs: number;
  price: number;
  size: number;
  /** Of who took liquidity. */
  side: "buy" | "sell";
}

/** Best bid and ask. */
export interface VenueQuote {
  symbol: string;
  eventMs: number;
  bid: number;
  bidSize: number;
  ask: number;
  askSize: number;
}

/** A venue's order book of a symbol, whole and in its order; it changes when the next one is told. */
export interface VenueBook {
  symbol: string;
  eventMs: number;
  book: OrderBook;
}

/** What a perpetual future is marked at, and what its holders pay each other. */
export interface VenueMark {
  symbol: string;
  eventMs: number;
  markPrice: number;
  indexPrice: number;
  /** Of the notional, paid by longs to shorts at `nextFundingMs`; a fraction. */
  fundingRate: number;
  nextFundingMs: number;
}

/** A bar as the venue itself makes it, once its time is over. */
export interface VenueOwnBar extends VenueBar {
  symbol: string;
  timeframe: string;
  /** Exclusive. */
  closeMs: number;
}

/** Trades [fromId, toId] of a symbol that did not come. */
export interface TradeGap {
  symbol: string;
  fromId: number;
  toId: number;
  /** healed: the venue's history gave all of them. lost: it has some of them no more. */
  state: "open" | "healed" | "lost";
}

/** A trade by its number and time. */
export interface TradeMark {
  tradeId: number;
  eventMs: number;
}

/** An inclusive range of trade ids, and a time that none of them is before. */
export interface TradeHole {
  fromId: number;
  toId: number;
  sinceMs: number;
}

/** What is known of a symbol's trades: everything up to the last but the holes. */
export interface TradePlace {
  /** Whose numbers they are, where a venue counts in more than one way. */
  numbering?: string | undefined;
  last: TradeMark;
  holes: readonly TradeHole[];
  /** Ids of the trades of the last millisecond, where a venue's ids are no numbers. */
  ids?: readonly string[] | undefined;
}

/** What a venue says of what it trades. */
export interface VenueInstrument {
  symbol: string;
  currency: string;
  assetClass: "crypto" | "perpetual" | "equity" | "other";
  /** Decimal text; null where the venue states none. */
  tickSize: string | null;
  lotSize: string | null;
  minNotional: string | null;
}

export interface TradeFeedEvents {
  trade(trade: VenueTrade): void;
  quote(quote: VenueQuote): void;
  book(book: VenueBook): void;
  mark(mark: VenueMark): void;
  ownBar(bar: VenueOwnBar): void;
  /** When a gap is found, and when it is closed. */
  gap(gap: TradeGap): void;
}

/** What an operator sees of a feed. */
export interface TradeFeedStatus {
  state: "connecting" | "live" | "down";
  /** Times that a connection was lost; a planned change is none. */
  reconnects: number;
  lastMessageMs: number | null;
  /** The venue's clock minus ours, at half of a request's way; null until measured. */
  clockOffsetMs: number | null;
  malformed: number;
  duplicates: number;
  /** Trades that are missing now. */
  missing: number;
  /** Times that an order book was read anew: an update was skipped, or a checksum differed. */
  bookResyncs: number;
  /** Requests to the venue: open means that none are made for a while, after too many failures. */
  breaker: "closed" | "open" | "half-open";
  calls: CallStatus;
  lastError: string | null;
}

/** Requests to somebody else's server since the start. */
export interface CallStatus {
  made: number;
  failed: number;
  /** Those of `failed` that took too long. */
  timedOut: number;
  /** Not made: the breaker was open, or as many as may be were under way. */
  heldBack: number;
  underWay: number;
  /** Limits that they are held to. */
  atOnce: number;
  timeoutMs: number;
}

/** Trades of a venue as they happen, each once; what a lost connection missed is fetched. */
export interface TradeFeed {
  /** Throws `symbol.unknown`, or `venue.unavailable` while the venue does not answer. */
  fetchInstruments(): Promise<VenueInstrument[]>;
  /** Connects; nothing comes before a symbol is followed. */
  start(events: TradeFeedEvents): void;
  /** From now on a symbol's trades come. `place` is what was known of it before: the rest is fetched. */
  follow(symbol: string, place: TradePlace | undefined): void;
  /** No more of a symbol comes. */
  leave(symbol: string): void;
  /** What is known now of each symbol of which a trade came; exactly what was handed on. */
  places(): ReadonlyMap<string, TradePlace>;
  status(): TradeFeedStatus;
  stop(): void;
}

/** How mail leaves. Rejects where the server does not take it. */
export interface Mailer {
  /** `messageId` is the same when a message is sent again. */
  send(mail: { to: string; subject: string; text: string; messageId: string }): Promise<void>;
}
