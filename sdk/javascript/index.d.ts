/**
 * dynsvc: write a module in JavaScript or TypeScript.
 *
 * ```js
 * import { CallError, Service } from "@dynsvc/sdk";
 *
 * const service = new Service("Greeter");
 *
 * service.method("greet", { name: "string", greeting: "string?" }, (ctx, name, greeting = "Hello") => {
 *   if (!name) throw new CallError("whom shall I greet?");
 *   ctx.log.info("greeted", { user: ctx.user });
 *   return `${greeting}, ${name}`;
 * });
 *
 * await service.run();
 * ```
 *
 * @packageDocumentation
 */

/** What JSON can say. */
export type JSONValue = string | number | boolean | null | JSONValue[] | { [name: string]: JSONValue };

/**
 * The kind of a parameter. `"string?"` may be left out, `"string|null"` may be null,
 * `"string|null?"` both. What is inside lists and objects is not looked at.
 */
export type Kind = BaseKind | `${BaseKind}?` | `${BaseKind}|null` | `${BaseKind}|null?`;
type BaseKind = "string" | "integer" | "number" | "boolean" | "array" | "object" | "any";

/** The parameters of a method in their order: names and kinds. */
export type Parameters = Record<string, Kind>;

export interface ServiceOptions {
  /** For the status. What is left out comes from the registration, which is best. */
  version?: string;
  gitUrl?: string;
  gitCommitHash?: string;
  /** The health path of the manifest. Default "/". */
  healthPath?: string;
  /** Beyond so many calls at once the service says that it is full. Default 1000. */
  maxCalls?: number;
  /** Bytes that a body may have. Default 256 MiB. */
  maxBody?: number;
}

/** A module as a program. */
export class Service {
  /** @param name the module's name, as in the manifest */
  constructor(name: string, options?: ServiceOptions);
  readonly name: string;

  /**
   * Makes a function callable.
   *
   * ```js
   * service.method("filter", { fasta: "string", min_length: "integer?" }, async (ctx, fasta, least = 0) => …);
   * ```
   *
   * The call's parameters become the arguments behind the context, by position (or by name, in
   * JSON-RPC 2.0). What the function returns, or its promise, is the call's result: undefined is
   * none, `results(a, b)` several.
   *
   * All calls share one thread: a long computation holds up the others, and belongs in a worker.
   */
  method(name: string, parameters: Parameters, fn: (ctx: Context, ...params: any[]) => unknown): this;
  /** Makes a function callable that takes any parameters, by position. */
  method(name: string, fn: (ctx: Context, ...params: any[]) => unknown): this;

  /** Adds what a function returns to Module.status, e.g. `{ genomes: 12, state: "DEGRADED" }`. */
  status(fn: () => object | Promise<object>): this;

  /** Asks a function whether calls are welcome: true or undefined, else false or the reason. */
  health(fn: () => boolean | string | void | Promise<boolean | string | void>): this;

  /** An error whose message is for the caller: `throw service.callError("no contigs")`. */
  callError(message: string, options?: CallErrorOptions): CallError;

  /** Serves until SIGTERM or SIGINT, finishes what is in flight, and ends the program. */
  run(): Promise<never>;
}

/** What a method may know of its call: its first argument. */
export interface Context {
  /** Who calls; null: anonymous. */
  readonly user: string | null;
  /** Stands in the logs of the gateway too. */
  readonly requestId: string;
  /** Module.name */
  readonly method: string;
  /** Id of the call job; null: the caller waits for the answer. */
  readonly job: string | null;
  /** The caller's own token for this module, without a scheme such as Bearer. */
  readonly token: string | null;
  /** When the caller gives up; null: never. */
  readonly deadline: Date | null;
  /** Milliseconds until the deadline, at least 0; null without one. */
  remaining(): number | null;
  /** A log whose lines carry the request id, the method and the job. */
  readonly log: Log;
  /** Tells how far a job is, from 0 to 1. It costs nothing and never waits. */
  progress(fraction: number, message?: string): void;
  /** Aborted when nobody waits any more: `await fetch(url, { signal: ctx.signal })`. */
  readonly signal: AbortSignal;
  /** Tells whether nobody waits for the answer any more. */
  cancelled(): boolean;
  /** Throws Cancelled if nobody waits any more. Call it in long loops, which must also await now and then. */
  check(): void;
  /** Waits; rejects with Cancelled as soon as the call is. */
  sleep(ms: number): Promise<void>;
}

/** Writes lines with a message, which is constant, and fields, which vary, as JSON on stderr. */
export interface Log {
  debug(msg: string, fields?: object): void;
  info(msg: string, fields?: object): void;
  warn(msg: string, fields?: object): void;
  error(msg: string, fields?: object): void;
  /** Returns a log whose lines have these fields as well. */
  having(fields: object): Log;
}

/** Returns several values from a method: `return results(count, names)`. */
export function results(...values: unknown[]): object;

export interface CallErrorOptions {
  /** Default -32000. */
  code?: number;
  /** A longer text that programs show on request. */
  details?: string;
}

/** An error whose message is for the caller. Anything else that a method throws is a fault of the method. */
export class CallError extends Error {
  constructor(message: string, options?: CallErrorOptions);
  readonly code: number;
  readonly details: string;
}

/** A parameter that does not fit, for rules that kinds cannot say. */
export class InvalidParams extends CallError {
  constructor(message: string, options?: { details?: string });
}

/** The call was cancelled. Let it pass; use finally to tidy up. */
export class Cancelled extends CallError {}

export const PARSE_ERROR: -32700;
export const INVALID_REQUEST: -32600;
export const METHOD_NOT_FOUND: -32601;
export const INVALID_PARAMS: -32602;
export const INTERNAL_ERROR: -32603;
export const REFUSED: -32000;
