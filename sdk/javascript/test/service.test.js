// What an author can say, and what a caller then reads.

import assert from "node:assert/strict";
import net from "node:net";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { CallError, INVALID_PARAMS, INTERNAL_ERROR, InvalidParams, REFUSED, results, Service } from "@dynsvc/sdk";
import { Client } from "@dynsvc/sdk/testing";

import { readEnvironment } from "../src/environment.js";

/** A client of a service that say defines. */
async function started(t, say, options) {
  const service = new Service("Test", { version: "1.0.0", maxBody: 1000, ...options });
  say(service);
  const client = await Client.start(service);
  t.after(() => client.close());
  return client;
}

const error = (code, text) => (e) => e instanceof CallError && e.code === code && e.message.includes(text);

test("kinds", async (t) => {
  const client = await started(t, (service) =>
    service.method("kinds", { a: "string|null", b: "array", c: "any", d: "number|null?", e: "integer?" }, (ctx, ...all) => all));
  assert.deepEqual(await client.call("kinds", [null, [], {}]), [null, [], {}]);
  assert.deepEqual(await client.call("kinds", ["a", [1], null, null, 2]), ["a", [1], null, null, 2]);
  for (const [at, wrong] of [[0, 1], [1, {}], [1, null], [3, "x"], [4, 1.5], [4, null]]) {
    const given = ["a", [], 1, 1, 1];
    given[at] = wrong;
    await assert.rejects(client.call("kinds", given), error(INVALID_PARAMS, `${"abcde"[at]} of Test.kinds`));
  }
});

test("by name, what is left out is undefined", async (t) => {
  const client = await started(t, (service) =>
    service.method("greet", { a: "string?", b: "string?" }, (ctx, a = "A", b = "B") => a + b));
  const reply = await client.post({ jsonrpc: "2.0", id: 1, method: "Test.greet", params: { b: "x" } });
  assert.deepEqual(reply.result, ["Ax"]);
});

test("parameters that are not declared", async (t) => {
  const client = await started(t, (service) => service.method("count", (ctx, ...all) => all.length));
  assert.equal(await client.call("count", [1, 2, 3]), 3);
  const reply = await client.post({ jsonrpc: "2.0", id: 1, method: "Test.count", params: { b: "x" } });
  assert.equal(reply.error.code, INVALID_PARAMS);
});

test("results", async (t) => {
  const client = await started(t, (service) =>
    service
      .method("nothing", () => {})
      .method("none", () => null)
      .method("three", async () => results(1, [2], null)));
  assert.equal((await client.post({ method: "Test.nothing" })).result, null);
  assert.deepEqual((await client.post({ method: "Test.none" })).result, [null]);
  assert.deepEqual(await client.call("three"), [1, [2], null]);
});

test("faults are told to nobody but the log", async (t) => {
  const circle = {};
  circle.self = circle;
  const client = await started(t, (service) =>
    service
      .method("crash", async () => {
        throw new Error("secret", { cause: new Error("deeper") });
      })
      .method("oddly", () => {
        throw undefined; // eslint-disable-line no-throw-literal
      })
      .method("circle", () => circle)
      .method("fn", () => () => 1));
  for (const method of ["crash", "oddly", "circle", "fn"]) {
    await assert.rejects(client.call(method), error(INTERNAL_ERROR, "log says why"));
  }
  const errors = client.logs.filter((line) => line.level === "error");
  assert.equal(errors.length, 4);
  assert.match(errors[0].error, /secret[^]*caused by Error: deeper/);
});

test("errors for the caller", async (t) => {
  const client = await started(t, (service) =>
    service.method("refuse", { n: "integer" }, (ctx, n) => {
      if (n < 0) throw new InvalidParams("n must be 0 or more");
      throw service.callError("no", { code: n, details: "long" });
    }));
  await assert.rejects(client.call("refuse", [-1]), error(INVALID_PARAMS, "0 or more"));
  await assert.rejects(client.call("refuse", [7]), error(7, "no"));
  assert.deepEqual(client.logs.filter((line) => line.level === "error"), []);
});

test("what an author cannot say", () => {
  const fn = () => {};
  const service = () => new Service("Test");
  for (const [text, wrong] of [
    ["a.b", () => service().method("a.b", fn)],
    ["service.status", () => service().method("status", fn)],
    ["twice", () => service().method("x", fn).method("x", fn)],
    ["twice", () => service().status(fn).status(fn)],
    ["twice", () => service().health(fn).health(fn)],
    ["the function", () => service().method("x", { a: "string" })],
    ["kind of a", () => service().method("x", { a: "text" }, fn)],
    ["kind of a", () => service().method("x", { a: "constructor" }, fn)],
    ["stands before", () => service().method("x", { a: "string?", b: "string" }, fn)],
    ["a-b", () => new Service("a-b")],
    ["maxcalls", () => new Service("A", { maxcalls: 1 })],
    ["healthPath", () => new Service("A", { healthPath: "x" })],
    ["maxCalls", () => new Service("A", { maxCalls: 0 })],
    ["whole number", () => new CallError("x", { code: "y" })],
  ]) {
    assert.throws(wrong, (e) => e instanceof TypeError && e.message.includes(text), text);
  }
});

test("the context says who calls and until when", async (t) => {
  const client = await started(t, (service) =>
    service.method("say", {}, ({ user, token, job, method, deadline, ...ctx }) => ({ user, token, job, method, deadline })));
  assert.deepEqual(await client.call("say"), { user: null, token: null, job: null, method: "Test.say", deadline: null });
  const said = await client.call("say", [], { user: "ada", token: "Bearer T", job: "j", timeout: 60_000 });
  assert.deepEqual([said.user, said.token, said.job], ["ada", "T", "j"]);
  assert.ok(Math.abs(new Date(said.deadline) - Date.now() - 60_000) < 30_000);
});

test("the deadline aborts the signal, and what Node throws for it is no fault", async (t) => {
  const client = await started(t, (service) =>
    service.method("nap", {}, (ctx) => pause(60_000, undefined, { signal: ctx.signal })));
  await assert.rejects(client.call("nap", [], { timeout: 200 }), error(REFUSED, "deadline"));
  assert.deepEqual(client.logs.filter((line) => line.level === "error"), []);
});

test("a caller who leaves aborts the signal", async (t) => {
  let begun;
  const beginning = new Promise((resolve) => (begun = resolve));
  let ended;
  const end = new Promise((resolve) => (ended = resolve));
  const client = await started(t, (service) =>
    service.method("nap", {}, async (ctx) => {
      begun();
      await ctx.sleep(60_000).catch((e) => ended([e, ctx.cancelled()]));
    }));
  const leave = new AbortController();
  const call = client.call("nap", [], { signal: leave.signal });
  await beginning;
  leave.abort();
  await assert.rejects(call, { name: "AbortError" });
  const [reason, cancelled] = await end;
  assert.match(reason.message, /the caller left/);
  assert.ok(cancelled);
});

test("a next request is not the end", async (t) => {
  const client = await started(t, (service) =>
    service.method("nap", {}, async (ctx) => {
      await ctx.sleep(200);
      return "slept";
    }));
  const body = '{"method":"Test.nap"}';
  const ask = `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const socket = net.connect(client.port, "127.0.0.1", () => socket.write(ask + ask));
  let got = "";
  for await (const part of socket) {
    got += part;
    if (got.split("slept").length === 3) break;
  }
  assert.equal(got.split("slept").length, 3);
});

test("logs carry the call", async (t) => {
  const client = await started(t, (service) =>
    service.method("talk", {}, (ctx) => {
      ctx.log.info("talked", { colour: "green", large: 1n });
      return ctx.requestId;
    }));
  const requestId = await client.call("talk");
  const line = client.logs.find(({ msg }) => msg === "talked");
  assert.deepEqual([line.request_id, line.method, line.colour, line.large], [requestId, "Test.talk", "green", "1"]);
});

test("an id comes back as it was written", async (t) => {
  const client = await started(t, (service) => service.method("x", () => 1));
  const socket = net.connect(client.port, "127.0.0.1");
  const body = '{"id": 12345678901234567890.0, "method": "Test.x", "params": [{"id": 1}]}';
  socket.write(`POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  assert.match((await socket.toArray()).join(""), /"id":12345678901234567890\.0,/);
});

test("status and health without an author", async (t) => {
  const client = await started(t, () => {});
  assert.deepEqual(await client.status(), { state: "OK", message: "", version: "1.0.0", git_url: "", git_commit_hash: "" });
  assert.equal((await client.health())[0], 200);
});

test("status and health that fail", async (t) => {
  const crash = async () => {
    throw new Error("secret");
  };
  const client = await started(t, (service) => service.status(crash).health(crash));
  assert.equal((await client.status()).state, "DEGRADED");
  const [code, said] = await client.health();
  assert.deepEqual([code, said.state], [503, "NOT READY"]);
  assert.ok(!JSON.stringify(said).includes("secret"));
  assert.ok(JSON.stringify(client.logs).includes("secret"));
});

test("another health path", async (t) => {
  const client = await started(t, (service) => service.health(() => false), { healthPath: "/healthz" });
  assert.equal((await client.health("/healthz"))[0], 503);
  const [code, said] = await client.health("/");
  assert.equal(code, 404);
  assert.match(said.error, /\/healthz/);
});

test("a body that is too large", async (t) => {
  const client = await started(t, () => {});
  const head = "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
  for (const text of [
    `${head}Content-Length: 1001\r\n\r\n${"x".repeat(1001)}`,
    `${head}Transfer-Encoding: chunked\r\n\r\n1f4\r\n${"x".repeat(500)}\r\n1f5\r\n${"x".repeat(501)}\r\n0\r\n\r\n`,
    `${head}Expect: 100-continue\r\nContent-Length: 1001\r\n\r\n`,
  ]) {
    const socket = net.connect(client.port, "127.0.0.1", () => socket.write(text));
    assert.match((await socket.toArray()).join(""), /^HTTP\/1\.1 413 [^]*takes 1000 bytes/);
  }
});

test("the environment", () => {
  for (const [text, want] of [["30s", 30_000], ["1m30s", 90_000], ["250ms", 250], ["5", 5000], ["1h", 3_600_000]]) {
    assert.equal(readEnvironment({ DYNSVC_STOP_GRACE: text }).stopGrace, want);
  }
  for (const [name, value] of [["PORT", "x"], ["PORT", "65536"], ["DYNSVC_STOP_GRACE", "1d"], ["LOG_LEVEL", "all"]]) {
    assert.throws(() => readEnvironment({ [name]: value }), (e) => e.message.includes(name) && e.message.includes(value));
  }
});
