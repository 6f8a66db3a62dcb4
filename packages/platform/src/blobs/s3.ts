import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { AppError } from "@tapedeck/core";
import type { BlobStore } from "@tapedeck/core";
import { checkKey, checkPrefix, missing } from "./key.ts";

export interface S3Options {
  bucket: string;
  region: string;
  /** Another server than Amazon's; addressed by path. */
  endpoint?: string | undefined;
  /** Put before every key. */
  prefix?: string | undefined;
  /** Default: the machine's own. */
  credentials?: { accessKeyId: string; secretAccessKey: string } | undefined;
}

/** S3 takes parts of 5 MiB at least and 10,000 at most: 8 MiB parts hold blobs up to 80 GB. */
const partBytes = 8 << 20;

function isMissing(error: unknown): boolean {
  return error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404;
}

function unavailable(cause: unknown): AppError {
  return new AppError("service.unavailable", "The blob store does not answer as it should.", {
    retryable: true,
    cause,
  });
}

/** Joins chunks of any size into parts of `size` bytes; the last one is shorter. At most one part is held. */
async function* parts(data: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  let part = new Uint8Array(size);
  let filled = 0;
  for await (const chunk of data) {
    for (let at = 0; at < chunk.byteLength;) {
      const take = Math.min(size - filled, chunk.byteLength - at);
      part.set(chunk.subarray(at, at + take), filled);
      filled += take;
      at += take;
      if (filled === size) {
        yield part;
        part = new Uint8Array(size);
        filled = 0;
      }
    }
  }
  if (filled > 0) yield part.subarray(0, filled);
}

/** Blobs in an S3 bucket. S3 shows an object only once it is complete, so writes are atomic as the port asks. */
export function createS3Blobs(options: S3Options): BlobStore {
  const client = new S3Client({
    region: options.region,
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint, forcePathStyle: true }),
    ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
    maxAttempts: 3,
    // Other servers than Amazon's do not all know the newer checksums.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  });
  const prefix = options.prefix ?? "";
  const at = (key: string) => ({ Bucket: options.bucket, Key: prefix + checkKey(key) });

  async function ask<T>(key: string | undefined, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof AppError || error instanceof RangeError) throw error;
      if (key !== undefined && isMissing(error)) throw missing(key);
      throw unavailable(error);
    }
  }

  async function open(key: string, range?: { start: number; end: number }) {
    const { Body, ContentLength } = await client.send(
      new GetObjectCommand({
        ...at(key),
        ...(range === undefined ? {} : { Range: `bytes=${range.start}-${range.end - 1}` }),
      }),
    );
    return { body: Body as AsyncIterable<Uint8Array>, length: ContentLength };
  }

  async function putParts(key: string, first: Uint8Array, rest: AsyncGenerator<Uint8Array>): Promise<number> {
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(at(key)));
    const done: { ETag: string | undefined; PartNumber: number }[] = [];
    let bytes = 0;
    const upload = async (body: Uint8Array) => {
      const PartNumber = done.length + 1;
      const { ETag } = await client.send(
        new UploadPartCommand({ ...at(key), UploadId, PartNumber, Body: body }),
      );
      done.push({ ETag, PartNumber });
      bytes += body.byteLength;
    };
    try {
      await upload(first);
      for await (const part of rest) await upload(part);
      await client.send(
        new CompleteMultipartUploadCommand({ ...at(key), UploadId, MultipartUpload: { Parts: done } }),
      );
      return bytes;
    } catch (error) {
      await client.send(new AbortMultipartUploadCommand({ ...at(key), UploadId })).catch(() => undefined);
      throw error;
    }
  }

  async function size(key: string): Promise<number | undefined> {
    return await ask(undefined, async () => {
      try {
        return (await client.send(new HeadObjectCommand(at(key)))).ContentLength;
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    });
  }

  return {
    size,

    async put(key, data) {
      checkKey(key);
      const putWhole = async (body: Uint8Array) => {
        await ask(undefined, () =>
          client.send(new PutObjectCommand({ ...at(key), Body: body, ContentLength: body.byteLength })),
        );
        return body.byteLength;
      };
      if (data instanceof Uint8Array) return await putWhole(data);
      // What the source of the data throws must come out as it is.
      let sourceError: { error: unknown } | undefined;
      const source = (async function* watched() {
        try {
          yield* data;
        } catch (error) {
          sourceError = { error };
          throw error;
        }
      })();
      try {
        const pieces = parts(source, partBytes);
        const first = await pieces.next();
        if (first.done === true) return await putWhole(new Uint8Array());
        if (first.value.byteLength < partBytes) return await putWhole(first.value);
        return await ask(undefined, () => putParts(key, first.value, pieces));
      } catch (error) {
        if (sourceError !== undefined) throw sourceError.error;
        throw error;
      }
    },

    async *get(key, range) {
      if (range !== undefined && range.end <= range.start) {
        if ((await size(key)) === undefined) throw missing(key);
        return;
      }
      const { body } = await ask(key, () => open(key, range));
      try {
        yield* body;
      } catch (error) {
        throw unavailable(error);
      }
    },

    async readInto(key, target) {
      await ask(key, async () => {
        const { body, length } = await open(key);
        if (length !== target.byteLength) {
          (body as unknown as { destroy?(): void }).destroy?.();
          throw new RangeError(`blob ${key} has ${length} bytes, the target ${target.byteLength}`);
        }
        let filled = 0;
        for await (const chunk of body) {
          target.set(chunk, filled);
          filled += chunk.byteLength;
        }
        if (filled !== target.byteLength)
          throw new RangeError(`blob ${key} ended at byte ${filled} of ${length}`);
      });
    },

    async delete(key) {
      await ask(undefined, () => client.send(new DeleteObjectCommand(at(key))));
    },

    async *list(wanted) {
      checkPrefix(wanted);
      let token: string | undefined;
      do {
        const page = await ask(undefined, () =>
          client.send(
            new ListObjectsV2Command({
              Bucket: options.bucket,
              Prefix: prefix + wanted,
              ...(token === undefined ? {} : { ContinuationToken: token }),
            }),
          ),
        );
        for (const { Key } of page.Contents ?? []) if (Key !== undefined) yield Key.slice(prefix.length);
        token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
      } while (token !== undefined);
    },
  };
}
