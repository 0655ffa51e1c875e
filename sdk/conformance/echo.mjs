// Echo, the service of the conformance cases, on the JavaScript runtime.

import process from "node:process";
import { pathToFileURL } from "node:url";

import { Cancelled, results, Service } from "../javascript/src/index.js";

export const service = new Service("Echo", { version: "1.2.3", maxCalls: Number(process.env.ECHO_MAX_CALLS ?? 1000) });
const state = { reason: "", degraded: "", cancelled: 0 };

service
  .method("echo", { value: "any" }, (ctx, value) => value)
  .method("add", { a: "integer", b: "integer" }, (ctx, a, b) => a + b)
  .method("scale", { x: "number", factor: "number?" }, (ctx, x, factor = 2) => x * factor)
  .method("greet", { name: "string", greeting: "string?" }, (ctx, name, greeting = "Hello") => `${greeting}, ${name}`)
  .method("length", { items: "array" }, (ctx, items) => items.length)
  .method("keys", { things: "object" }, (ctx, things) => Object.keys(things).sort())
  .method("flip", { on: "boolean" }, (ctx, on) => !on)
  .method("swap", { a: "any", b: "any" }, (ctx, a, b) => results(b, a))
  .method("nothing", {}, () => {})
  .method("context", {}, (ctx) => ({
    user: ctx.user,
    request_id: ctx.requestId,
    job: ctx.job,
    token: ctx.token,
    has_deadline: ctx.deadline !== null,
    remaining_positive: (ctx.remaining() ?? 0) > 0,
    cancelled: ctx.cancelled(),
  }))
  .method("refuse", { message: "string", code: "integer" }, (ctx, message, code) => {
    throw service.callError(message, { code, details: "because" });
  })
  .method("crash", {}, () => {
    throw new Error("secret cause");
  })
  .method("unspeakable", {}, () => 1n)
  .method("sleep", { ms: "integer" }, async (ctx, ms) => {
    try {
      await ctx.sleep(ms);
    } catch (error) {
      if (error instanceof Cancelled) state.cancelled++;
      throw error;
    }
    return "slept";
  })
  .method("cancellations", {}, () => state.cancelled)
  .method("report", { fraction: "number", message: "string", ms: "integer" }, async (ctx, fraction, message, ms) => {
    ctx.progress(fraction, message);
    await ctx.sleep(ms);
    return "reported";
  })
  .method("ready", { yes: "boolean", reason: "string" }, (ctx, yes, reason) => {
    state.reason = yes ? "" : reason;
  })
  .method("degrade", { message: "string" }, (ctx, message) => {
    state.degraded = message;
  })
  .status(() => ({ colour: "green", ...(state.degraded && { state: "DEGRADED", message: state.degraded }) }))
  .health(() => state.reason || true);

if (import.meta.url === pathToFileURL(process.argv[1]).href) await service.run();
