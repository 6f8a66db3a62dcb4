import type { Selectable } from "kysely";
import type { Db, Tx } from "../db.ts";
import { loadAccount, loadCommitments } from "./store.ts";
import type { AccountRow } from "./store.ts";
import type { OrdersTables } from "./tables.ts";

/** One account with what it holds, all of one moment. */
export interface AccountBooks {
  account: AccountRow;
  positions: Array<Selectable<OrdersTables["positions"]>>;
  lots: Array<Selectable<OrdersTables["lots"]>>;
  /** Cash kept for live buys. */
  reserved: string;
  restingOrders: number;
  unknownOrders: number;
}

/** In one snapshot, so that cash and positions belong together. */
export async function loadBooks(
  db: Db,
  tenantId: string,
  accountId: string | undefined,
): Promise<AccountBooks[]> {
  return await db
    .transaction()
    .setIsolationLevel("repeatable read")
    .setAccessMode("read only")
    .execute(async (tx) => {
      const accounts =
        accountId === undefined
          ? await tx
              .selectFrom("accounts")
              .selectAll()
              .where("tenantId", "=", tenantId)
              .orderBy("id")
              .limit(200)
              .execute()
          : [await loadAccount(tx, tenantId, accountId)];
      const books: AccountBooks[] = [];
      for (const account of accounts) books.push(await booksOf(tx, account));
      return books;
    });
}

async function booksOf(tx: Tx, account: AccountRow): Promise<AccountBooks> {
  const positions = await tx
    .selectFrom("positions")
    .selectAll()
    .where("accountId", "=", account.id)
    .orderBy("instrumentId")
    .execute();
  const lots = await tx
    .selectFrom("lots")
    .selectAll()
    .where("accountId", "=", account.id)
    .orderBy("sequence")
    .execute();
  const counts = await tx
    .selectFrom("orders")
    .select(({ fn }) => ["status", fn.countAll<number>().as("orders")])
    .where("accountId", "=", account.id)
    .where("status", "in", ["unknown", "accepted", "partiallyFilled"])
    .groupBy("status")
    .execute();
  const count = (...statuses: string[]) =>
    counts.filter((row) => statuses.includes(row.status)).reduce((sum, row) => sum + Number(row.orders), 0);
  const { reserved } = await loadCommitments(tx, account.id, undefined);
  return {
    account,
    positions,
    lots,
    reserved: reserved.toFixed(),
    restingOrders: count("accepted", "partiallyFilled"),
    unknownOrders: count("unknown"),
  };
}
