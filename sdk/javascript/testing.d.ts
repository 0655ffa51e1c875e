/**
 * Tests of a module, through everything that a caller goes through.
 *
 * ```js
 * import { Client } from "@dynsvc/sdk/testing";
 *
 * test("counts", async (t) => {
 *   const client = await Client.start(service);
 *   t.after(() => client.close());
 *   assert.equal(await client.call("count", [">a\nACGT\n"]), 1);
 *   await assert.rejects(client.call("count", [""]), /no contigs/);
 * });
 * ```
 *
 * @packageDocumentation
 */
import type { Service } from "./index.js";

export interface CallOptions {
  user?: string;
  token?: string;
  /** Milliseconds; becomes the deadline. */
  timeout?: number;
  /** Makes it the call of a call job. */
  job?: string;
  /** Leaves in the middle of the call. */
  signal?: AbortSignal;
}

/** Runs a service on a free port of this machine and calls it over HTTP. */
export class Client {
  private constructor();
  /** Starts the service. */
  static start(service: Service): Promise<Client>;
  readonly name: string;
  readonly port: number;
  readonly url: string;
  /** What the service logged, one object a line. */
  readonly logs: Record<string, unknown>[];
  /** Calls a method as the gateway would: its value, an array of several, or undefined. Rejects with CallError. */
  call(method: string, params?: unknown[], options?: CallOptions): Promise<any>;
  /** Posts a body, text or what becomes JSON, and resolves to the answer's. */
  post(body: unknown, headers?: Record<string, string>, options?: { signal?: AbortSignal }): Promise<any>;
  /** What Module.status says. */
  status(): Promise<Record<string, any>>;
  /** The status and the body of the health check. */
  health(path?: string): Promise<[status: number, body: Record<string, any>]>;
  /** Stops the service. */
  close(): Promise<void>;
}
