import { errorCodes } from "@tapedeck/core";
import type { JobContract, RouteContract } from "@tapedeck/core";
import { JobView, SubmitOptions } from "@tapedeck/features/jobs/contract";
import * as z from "zod";

type Json = Record<string, unknown>;

export interface OpenApiInput {
  contracts: Record<string, JobContract>;
  routes: Record<string, RouteContract>;
  version: string;
}

/** Named schemas of a document; what clients send and what they get may differ under one name. */
function createComponents() {
  const schemas: Record<string, Json> = {};
  const texts = new Map<string, string>();

  function nameFor(name: string, text: string): string {
    for (const candidate of [name, `${name}Input`]) {
      const known = texts.get(candidate);
      if (known === undefined || known === text) return candidate;
    }
    throw new TypeError(`three different schemas are called ${name}`);
  }

  /** The schema with its definitions moved to the components. */
  function add(schema: z.ZodType, io: "input" | "output", rootName: string): Json {
    const {
      $schema: _dialect,
      $defs,
      ...root
    } = z.toJSONSchema(schema, { io, unrepresentable: "any" }) as Json;
    const definitions = { ...($defs as Record<string, Json> | undefined) };
    const isRecursive = JSON.stringify(root).includes('"$ref":"#"');
    if (isRecursive) definitions[rootName] = root;
    const names: Record<string, string> = {};
    for (const [name, definition] of Object.entries(definitions))
      names[name] = nameFor(name, JSON.stringify(definition));
    const moved = (value: Json): Json =>
      JSON.parse(
        JSON.stringify(value)
          .replaceAll(/"\$ref":"#\/\$defs\/([^"]+)"/g, (_all, name: string) => refText(names[name]!))
          .replaceAll('"$ref":"#"', refText(names[rootName] ?? rootName)),
      ) as Json;
    for (const [name, definition] of Object.entries(definitions)) {
      texts.set(names[name]!, JSON.stringify(definition));
      schemas[names[name]!] = moved(definition);
    }
    return isRecursive ? { $ref: `#/components/schemas/${names[rootName]}` } : moved(root);
  }

  return { schemas, add };
}

function refText(name: string): string {
  return `"$ref":"#/components/schemas/${name}"`;
}

function parameters(
  components: ReturnType<typeof createComponents>,
  schema: z.ZodType | undefined,
  place: "path" | "query",
  rootName: string,
): Json[] {
  if (schema === undefined) return [];
  const root = components.add(schema, "input", rootName);
  const named = /#\/components\/schemas\/(.+)$/.exec((root["$ref"] as string | undefined) ?? "")?.[1];
  const object = named === undefined ? root : components.schemas[named]!;
  const required = (object["required"] as string[] | undefined) ?? [];
  return Object.entries((object["properties"] as Record<string, Json> | undefined) ?? {}).map(
    ([name, member]) => {
      const parameter: Json = {
        name,
        in: place,
        required: place === "path" || required.includes(name),
        schema: member,
      };
      if (member["description"] !== undefined) parameter["description"] = member["description"];
      return parameter;
    },
  );
}

/** The problem documents that any address may answer with, and those that its kind of route adds. */
function problems(statuses: readonly number[]): Json {
  return Object.fromEntries(
    [...new Set(statuses)]
      .toSorted((a, b) => a - b)
      .map((status) => {
        const codes = Object.entries(errorCodes)
          .filter(([, fact]) => fact.status === status)
          .map(([code]) => code);
        return [
          String(status),
          {
            description: `Problem: ${codes.join(", ")}`,
            content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
          },
        ];
      }),
  );
}

const security = [{ bearer: [] }, { session: [] }];

function header(description: string, schema: Json = { type: "string" }): Json {
  return { description, schema };
}

function jobOperation(components: ReturnType<typeof createComponents>, contract: JobContract): Json {
  const view = components.add(JobView, "output", "Job");
  const result = components.add(contract.result, "output", `${contract.name}Result`);
  const ended = {
    allOf: [view, { type: "object", properties: { result: { anyOf: [result, { type: "null" }] } } }],
  };
  const examples = (contract.examples ?? []).map((value, index) => [`example${index + 1}`, { value }]);
  const location = { Location: header("The job's address") };
  return {
    operationId: contract.name,
    tags: ["Job types"],
    summary: contract.summary,
    description: `Least role: ${contract.role}. Queue: ${contract.queue}. ${contract.reuse ? "A stored result of the same inputs is taken instead of running again." : "Runs every time."}`,
    security,
    parameters: [
      ...parameters(components, SubmitOptions, "query", "SubmitOptions"),
      {
        name: "Idempotency-Key",
        in: "header",
        required: false,
        description: "The same key and body always give the same job; another body is refused",
        schema: { type: "string", minLength: 1, maxLength: 200 },
      },
      {
        name: "Prefer",
        in: "header",
        required: false,
        description: "wait=N: answer 200 with the ended job when it ends within N seconds (60 at most)",
        schema: { type: "string", examples: ["wait=10"] },
      },
    ],
    requestBody: {
      required: true,
      content: {
        "application/json": {
          schema: components.add(contract.payload, "input", `${contract.name}Payload`),
          ...(examples.length === 0 ? {} : { examples: Object.fromEntries(examples) as Json }),
        },
      },
    },
    responses: {
      "200": {
        description: "The job has ended, within the time that was preferred",
        headers: location,
        content: { "application/json": { schema: ended } },
      },
      "202": {
        description: "The job is on disk and will run",
        headers: location,
        content: { "application/json": { schema: view } },
      },
      ...problems([400, 401, 403, 413, 422, 429, 503]),
    },
  };
}

function routeOperation(components: ReturnType<typeof createComponents>, contract: RouteContract): Json {
  const status = String(
    contract.status ?? (contract.response === undefined && contract.raw !== true ? 204 : 200),
  );
  const success: Json = { description: contract.summary };
  if (contract.response !== undefined)
    success["content"] = {
      "application/json": { schema: components.add(contract.response, "output", `${contract.name}Response`) },
    };
  else if (contract.contentType !== undefined)
    success["content"] = { [contract.contentType]: { schema: {} } };
  const statuses = [400, 422, 429, 503];
  if (contract.role !== "public") statuses.push(401, 403);
  if (contract.params !== undefined) statuses.push(404);
  if (contract.method !== "GET") statuses.push(409);
  if (contract.body !== undefined) statuses.push(413);
  const operation: Json = {
    operationId: contract.name,
    tags: [contract.tag],
    summary: contract.summary,
    description: contract.role === "public" ? "Needs no sign-in." : `Least role: ${contract.role}.`,
    security: contract.role === "public" ? [] : security,
    parameters: [
      ...parameters(components, contract.params, "path", `${contract.name}Params`),
      ...parameters(components, contract.query, "query", `${contract.name}Query`),
    ],
    responses: { [status]: success, ...problems(statuses) },
  };
  if (contract.body !== undefined)
    operation["requestBody"] = {
      required: true,
      content: {
        "application/json": { schema: components.add(contract.body, "input", `${contract.name}Body`) },
      },
    };
  else if (contract.raw === true && contract.method !== "GET")
    operation["requestBody"] = { content: { "application/octet-stream": { schema: {} } } };
  return operation;
}

const problemSchema: Json = {
  type: "object",
  description: "RFC 9457 problem document",
  required: ["type", "title", "status", "detail", "instance", "code", "requestId", "retryable"],
  properties: {
    type: { type: "string" },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string" },
    instance: { type: "string" },
    code: { type: "string", enum: Object.keys(errorCodes) },
    requestId: { type: "string" },
    retryable: { type: "boolean" },
    errors: {
      type: "array",
      items: {
        type: "object",
        required: ["in", "path", "message"],
        properties: {
          in: { enum: ["body", "query", "path", "header"] },
          path: { type: "string", description: "JSON pointer" },
          message: { type: "string" },
        },
      },
    },
    details: { type: "object", additionalProperties: true },
  },
};

/** OpenAPI 3.1 of every contract. */
export function openApiDocument(input: OpenApiInput): Json {
  const components = createComponents();
  components.schemas["Problem"] = problemSchema;
  const paths: Record<string, Json> = {};
  const put = (path: string, method: string, operation: Json) => {
    paths[path] = { ...paths[path], [method.toLowerCase()]: operation };
  };
  // What clients get is named first, so that plain names are those of the answers.
  for (const contract of Object.values(input.routes))
    if (contract.response !== undefined)
      components.add(contract.response, "output", `${contract.name}Response`);
  for (const contract of Object.values(input.contracts))
    put(`/api${contract.path}`, "POST", jobOperation(components, contract));
  for (const contract of Object.values(input.routes))
    put(`/api${contract.path}`, contract.method, routeOperation(components, contract));
  return {
    openapi: "3.1.0",
    info: {
      title: "Tapedeck",
      version: input.version,
      description:
        "Market research and execution as jobs. POST a job, get 202 and its address; follow its events; read its result. Errors are RFC 9457 problem documents with stable codes (GET /api/errors).",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    tags: [
      { name: "Job types", description: "Each takes a payload and makes a job" },
      ...[...new Set(Object.values(input.routes).map((contract) => contract.tag))].map((name) => ({ name })),
    ],
    paths,
    components: {
      schemas: components.schemas,
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          description: "An API key, or an access token of /api/auth/login",
        },
        session: { type: "apiKey", in: "cookie", name: "tapedeck_session" },
      },
    },
  };
}
