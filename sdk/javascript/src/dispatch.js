// From a request to its answer: health, calls, and everything that is neither.

import { Context } from "./context.js";
import { Envelope, fill } from "./envelope.js";
import { CallError, failed, InvalidParams, METHOD_NOT_FOUND } from "./errors.js";
import { cause } from "./log.js";
import { values } from "./method.js";
import { Progress } from "./progress.js";

const WARN_EVERY = 1000; // milliseconds between lines that say that the instance is full

/** An answer that is not one of JSON-RPC. */
export const answer = (status, content, headers) => ({ status, body: JSON.stringify(content), headers });

/** What a service answers. It knows nothing of sockets. */
export class Dispatcher {
  #service; // { name, methods, identity, status, health, healthPath, maxCalls }
  #log;
  #debug;
  #progress;
  #calls = 0; // in flight
  #running = new Set(); // contexts
  #warnAt = 0; // when the log may say again that the instance is full

  constructor(service, log) {
    this.#service = service;
    this.#log = log;
    this.#debug = log.enabled("debug");
    this.#progress = new Progress(log);
  }

  /** Takes a place for a call, which leave gives back; false: the instance is full. */
  enter() {
    if (this.#calls >= this.#service.maxCalls) return false;
    this.#calls++;
    return true;
  }

  leave() {
    this.#calls--;
  }

  get calls() {
    return this.#calls;
  }

  /** Cancels every call in flight. */
  cut(why) {
    for (const ctx of this.#running) ctx.cancel(why);
  }

  /** The answer to a request that is no call. */
  other(method, path, draining) {
    const { healthPath } = this.#service;
    if (method !== "GET" && method !== "HEAD" && method !== "POST") {
      return answer(405, { error: `${method} is not served here: calls are POST` }, { Allow: "GET, HEAD, POST" });
    }
    if (method !== "POST" && path === healthPath) return this.#healthy(draining);
    return answer(404, {
      error: `nothing is at this path: calls are POST / and the health is at GET ${healthPath}`,
    });
  }

  async #healthy(draining) {
    const { name: module, identity, health } = this.#service;
    const about = { module, version: identity.version };
    if (draining) return answer(503, { state: "STOPPING", message: "the service is stopping", ...about });
    let said;
    try {
      said = await health?.();
    } catch (error) {
      this.#log.warn("health check failed", { error: cause(error) });
      said = "the health check failed; the service's log says why";
    }
    if (said === undefined || said === true) return answer(200, { state: "OK", ...about });
    const message = typeof said === "string" ? said : "the health check says no";
    return answer(503, { state: "NOT READY", message, ...about });
  }

  /** The answer when there is no place. */
  full() {
    const { maxCalls } = this.#service;
    if (performance.now() >= this.#warnAt) {
      this.#warnAt = performance.now() + WARN_EVERY;
      this.#log.warn("call refused: the instance is full", { max_calls: maxCalls });
    }
    const error = new CallError(`this instance is full: it takes ${maxCalls} calls at once; try again in a second`);
    return { status: 503, body: new Envelope().error(error), headers: { "Retry-After": "1" } };
  }

  /** The answer to a call. left gets the function to call when the caller leaves. */
  async call(body, headers, left) {
    const began = performance.now();
    const envelope = new Envelope();
    const requestId = headers["x-request-id"] || randomId();
    let reply;
    let code = 0;
    try {
      fill(envelope, body);
      reply = { status: 200, body: await this.#run(envelope, headers, requestId, left) };
    } catch (error) {
      code = error.code;
      reply = { status: 500, body: envelope.error(error) };
    }
    if (this.#debug) {
      const { method } = envelope;
      this.#log.debug("call answered", { request_id: requestId, method: method.slice(0, 200), code, took_ms: since(began) });
    }
    return reply;
  }

  // run answers with a body and throws nothing but CallError.
  async #run(envelope, headers, requestId, left) {
    const { name, methods } = this.#service;
    if (envelope.method === `${name}.status`) return envelope.result([await this.#told(envelope.params)]);
    const method = methods.get(envelope.method);
    if (method === undefined) {
      const all = [...methods.keys(), `${name}.status`].sort().join(", ");
      throw new CallError(`there is no method ${envelope.method.slice(0, 200)}; there are ${all}`, {
        code: METHOD_NOT_FOUND,
      });
    }
    const params = method.bind(envelope.params);
    const ctx = new Context(method.name, headers, requestId, this.#progress, this.#log);
    ctx.check();
    left((why) => ctx.cancel(why));
    this.#running.add(ctx);
    try {
      return ctx.job ? await this.#job(envelope, method, params, ctx) : await this.#function(envelope, method, params, ctx);
    } finally {
      this.#running.delete(ctx);
      ctx.finish();
    }
  }

  async #job(envelope, method, params, ctx) {
    const began = performance.now();
    let code = 0;
    ctx.log.info("job began");
    try {
      return await this.#function(envelope, method, params, ctx);
    } catch (error) {
      code = error.code;
      throw error;
    } finally {
      ctx.log.info("job ended", { code, took_ms: since(began) });
    }
  }

  async #function(envelope, method, params, ctx) {
    let returned;
    try {
      returned = await method.fn(ctx, ...params);
    } catch (error) {
      if (error instanceof CallError) throw error;
      if (error?.name === "AbortError" && ctx.cancelled()) ctx.check(); // what Node's own functions throw for ctx.signal
      ctx.log.error("method failed", { error: cause(error) });
      throw failed();
    }
    try {
      return envelope.result(values(returned));
    } catch (error) {
      ctx.log.error("method returned what is no JSON", { error: String(error) });
      throw failed();
    }
  }

  async #told(params) {
    const { name, identity, status } = this.#service;
    if (Object.keys(params).length > 0) throw new InvalidParams(`${name}.status takes no parameters`);
    const told = { state: "OK", message: "", ...identity };
    try {
      return JSON.parse(JSON.stringify({ ...told, ...(await status?.()) }));
    } catch (error) {
      this.#log.warn("status function failed", { error: cause(error) });
      return { ...told, state: "DEGRADED", message: "the status function failed; the service's log says why" };
    }
  }
}

const since = (began) => Math.round((performance.now() - began) * 1000) / 1000;

function randomId() {
  let id = "";
  while (id.length < 16) id += Math.floor(Math.random() * 2 ** 32).toString(16).padStart(8, "0");
  return id;
}
