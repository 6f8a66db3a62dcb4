import { AppError } from "@tapedeck/core";
import type { RouteHandlersFor } from "@tapedeck/core";
import type { Db } from "../../db.ts";
import type { documentIngestRoutes } from "./contract.ts";
import { isImport } from "../store.ts";
import { listImported } from "./store.ts";

export const documentIngestRouteHandlers = {
  async listImportedDocuments({ db }, { params, query }, caller) {
    if (!(await isImport(db, "documentIngest", caller.tenantId, params.id))) {
      throw new AppError("job.unknown", `There is no import of documents ${params.id}.`);
    }
    return listImported(db, caller.tenantId, params.id, query);
  },
} satisfies RouteHandlersFor<typeof documentIngestRoutes, { db: Db }>;
