import { AppError } from "@tapedeck/core";
import type { RouteHandlersFor } from "@tapedeck/core";
import type { UploadStore, uploadRoutes } from "./contract.ts";
import { boundaryOf, firstFile } from "./multipart.ts";

export const uploadRouteHandlers = {
  postUpload: async ({ uploads }, { query, request }, caller) => {
    if (request.body === null)
      throw new AppError("request.malformed", "There is no body: send the file as the body.");
    const type = request.headers.get("content-type") ?? "";
    const body = request.body as unknown as AsyncIterable<Uint8Array>;
    const file = type.startsWith("multipart/form-data")
      ? await firstFile(body, boundaryOf(type))
      : { filename: query.filename ?? "", data: body };
    const filename = query.filename ?? file.filename;
    if (filename === "") {
      throw new AppError(
        "payload.invalid",
        "Name the file with ?filename=, or send it as multipart/form-data.",
      );
    }
    const upload = await uploads.add(caller.tenantId, { filename, data: file.data }, request.signal);
    return Response.json(upload, { status: 201, headers: { location: `/api/uploads/${upload.id}` } });
  },
  listUploads: async ({ uploads }, { query }, caller) => uploads.list(caller.tenantId, query),
  getUpload: async ({ uploads }, { params }, caller) => {
    const { blobKey: _blobKey, ...upload } = await uploads.get(caller.tenantId, params.id);
    return upload;
  },
  deleteUpload: async ({ uploads }, { params }, caller) => uploads.remove(caller.tenantId, params.id),
} satisfies RouteHandlersFor<typeof uploadRoutes, { uploads: UploadStore }>;
