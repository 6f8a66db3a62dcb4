import { AppError } from "@tapedeck/core";
import type { Log, RouteHandlersFor } from "@tapedeck/core";
import { checkMayWrite, DocumentSummary } from "./contract.ts";
import type { knowledgeRoutes } from "./contract.ts";
import { languageOf } from "@tapedeck/text/readers/language";
import { listDocuments, readDocument } from "./documents.ts";
import { eraseDocument, saveSentDocument, spacesOf } from "./store.ts";
import { checkKnowledge, forgetDocument, indexChanges, knowledgeStatus, rebuildKnowledge } from "./sync.ts";
import type { KnowledgeDeps } from "./sync.ts";

export const knowledgeRouteHandlers = {
  listDocuments: ({ db }, { query }, caller) => listDocuments(db, caller.tenantId, query),

  async getDocument({ db }, { params, query }, caller) {
    const { path: _, ...view } = await readDocument(db, caller.tenantId, params.id, {
      version: query.version,
      asOfMs: query.asOf,
    });
    return view;
  },

  async postDocument(deps, { body }, caller) {
    checkMayWrite(body.space, caller);
    const nowMs = deps.now();
    const id = await saveSentDocument(
      deps.db,
      body.space === "shared" ? "shared" : caller.tenantId,
      { ...body, formulas: [], publishedMs: body.publishedMs ?? nowMs },
      nowMs,
      {
        kind: body.kind ?? (body.filing === undefined ? "note" : "filing"),
        company: body.company ?? null,
        publisher: body.publisher ?? null,
        url: body.url ?? null,
        licence: body.licence ?? null,
        language: languageOf(body.text),
      },
    );
    // The document is on disk: without the index it waits as not indexed, and the next change or start takes it in.
    await indexChanges(deps).catch((error: unknown) => {
      if (!(error instanceof AppError) || !error.retryable) throw error;
      deps.log.warn({ err: error, documentId: id }, "a document could not be indexed yet");
    });
    const { path: _, ...view } = await readDocument(deps.db, caller.tenantId, id);
    return DocumentSummary.parse(view);
  },

  async deleteDocument(deps, { params }, caller) {
    const document = await readDocument(deps.db, caller.tenantId, params.id);
    if (document.path !== null) {
      throw new AppError(
        "resource.conflict",
        `Document ${params.id} comes from the file ${document.path} of the knowledge base: remove the file and start anew.`,
      );
    }
    if (document.space === "shared" && caller.operating !== true) {
      throw new AppError("auth.forbidden", "Only operators of this deployment erase shared documents.");
    }
    await eraseDocument(deps.db, params.id);
    await forgetDocument(deps, params.id);
    await indexChanges(deps);
  },

  async searchKnowledge({ knowledge }, { query }, caller) {
    const hits = await knowledge.search({
      text: query.q,
      limit: query.limit,
      spaces: spacesOf(caller.tenantId),
      ...(query.asOf === undefined ? {} : { asOfMs: query.asOf }),
      ...(query.documentId === undefined ? {} : { documentIds: [query.documentId] }),
      ...(query.kind === undefined ? {} : { kinds: [query.kind] }),
      ...(query.company === undefined ? {} : { company: query.company }),
    });
    return { items: hits.map(({ space: _, supersededMs: __, ...hit }) => hit) };
  },

  getKnowledgeStatus: (deps) => knowledgeStatus(deps),

  checkKnowledge: (deps) => checkKnowledge(deps),

  async rebuildKnowledge(deps) {
    await rebuildKnowledge(deps);
    return knowledgeStatus(deps);
  },
} satisfies RouteHandlersFor<typeof knowledgeRoutes, KnowledgeDeps & { log: Log }>;
