import type { Log } from "@tapedeck/core";
import { pino } from "pino";
import type { DestinationStream, Logger } from "pino";
import { scrub } from "./scrub.ts";

export const logLevels = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

export interface LogOptions {
  level: LogLevel;
  /** Name of the process: api, workers, stream. */
  name: string;
  /** Default: standard output. */
  destination?: DestinationStream;
  /** The current trace id, put on every line. */
  traceId?: () => string | undefined;
}

/**
 * JSON lines. Messages are constant, data is in fields. Fields pass a filter: values of secret names, passwords in
 * addresses and bearer tokens never get out.
 */
export function createLog(options: LogOptions): Log {
  const logger = pino(
    {
      level: options.level,
      base: { name: options.name, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => {
          const traceId = options.traceId?.();
          return scrub(traceId === undefined ? fields : { ...fields, traceId }) as Record<string, unknown>;
        },
      },
      // Errors are serialised by the filter.
      serializers: { err: (value: unknown) => value },
      messageKey: "message",
    },
    options.destination ?? pino.destination({ dest: 1, sync: true }),
  );
  return over(logger);
}

function over(logger: Logger): Log {
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    child: (fields) => over(logger.child(scrub(fields) as object)),
  };
}
