import { AppError } from "@tapedeck/core";
import type { Db } from "../db.ts";
import { FilingDescription } from "./contract.ts";
import type { FilingReader } from "./contract.ts";
import { pagesOf } from "./documents.ts";
import { spacesOf } from "./store.ts";

export function createFilingReader({ db }: { db: Db }): FilingReader {
  return {
    async list(tenantId, asOfMs) {
      const rows = await db
        .selectFrom("documents")
        .innerJoin("documentVersions", "documentVersions.documentId", "documents.id")
        .select(["documents.id", "version", "title", "filing"])
        .where("space", "in", spacesOf(tenantId))
        .where("filing", "is not", null)
        .where("publishedMs", "<=", asOfMs)
        .where((or) => or.or([or("supersededMs", "is", null), or("supersededMs", ">", asOfMs)]))
        .execute();
      return rows
        .map(({ id, version, title, filing }) => ({
          documentId: id,
          version,
          title,
          ...FilingDescription.parse(JSON.parse(filing!)),
        }))
        .toSorted(
          (one, other) =>
            one.company.localeCompare(other.company) ||
            one.fiscalYear - other.fiscalYear ||
            (one.documentId < other.documentId ? -1 : 1),
        );
    },

    async pages(tenantId, { documentId, version }) {
      const row = await db
        .selectFrom("documents")
        .innerJoin("documentVersions", "documentVersions.documentId", "documents.id")
        .select("text")
        .where("documents.id", "=", documentId)
        .where("version", "=", version)
        .where("space", "in", spacesOf(tenantId))
        .executeTakeFirst();
      if (row === undefined) {
        throw new AppError(
          "resource.unknown",
          `There is no version ${version} of document ${documentId} here.`,
        );
      }
      return pagesOf(row.text).map(({ page, start, end }) => ({
        page,
        text: row.text.slice(start, end),
        start,
      }));
    },
  };
}
