import type { JobContract, RouteContract as AnyRoute } from "@tapedeck/core";
import type * as z from "zod";

type Empty = z.ZodType | undefined;
export type RouteContract = AnyRoute;

/** What a client writes for a schema; undefined where the route has none. */
type In<S> = S extends z.ZodType ? z.input<S> : undefined;

export type ParamsIn<C> = C extends AnyRoute<infer P, Empty, Empty, Empty> ? In<P> : never;
export type QueryIn<C> = C extends AnyRoute<Empty, infer Q, Empty, Empty> ? In<Q> : never;
export type BodyIn<C> = C extends AnyRoute<Empty, Empty, infer B, Empty> ? In<B> : never;
export type ResponseOut<C> =
  C extends AnyRoute<Empty, Empty, Empty, infer R> ? (R extends z.ZodType ? z.output<R> : void) : never;

export type PayloadIn<C> = C extends JobContract<infer P, z.ZodType, z.ZodType> ? z.input<P> : never;
export type ResultOut<C> = C extends JobContract<z.ZodType, z.ZodType, infer R> ? z.output<R> : never;
