// The module Awkward. This file is yours: it was written once. The functions of
// the interface are declared in interface.js, which is written again with each
// change of it.

import { pathToFileURL } from "node:url";
import { CallError, Service } from "@dynsvc/sdk";
import { register } from "./interface.js";

/** @type {import("./interface.js").Functions} */
const functions = {
  /** Awkward.run_x. */
  async runX(ctx, a) {
    throw new CallError("run_x is not written yet");
  },

  /** Awkward.x. */
  async x(ctx, a) {
    throw new CallError("x is not written yet");
  },

  /** Awkward.submit_x. */
  async submitX(ctx, a) {
    throw new CallError("submit_x is not written yet");
  },

  /** Awkward.runX. */
  async runX2(ctx, a) {
    throw new CallError("runX is not written yet");
  },

  /** Awkward.X. */
  async x2(ctx, a) {
    throw new CallError("X is not written yet");
  },

  /** Awkward.then. */
  async then2(ctx) {
    throw new CallError("then is not written yet");
  },

  /** Awkward.constructor. */
  async constructor2(ctx) {
    throw new CallError("constructor is not written yet");
  },

  /** Awkward.toString. */
  async toString2(ctx) {
    throw new CallError("toString is not written yet");
  },

  /** Awkward.new. */
  async new(ctx, newValue) {
    throw new CallError("new is not written yet");
  },

  /** Awkward.class. */
  async class(ctx, classValue, fn, functionValue, func, def) {
    throw new CallError("class is not written yet");
  },

  /** Awkward.init. */
  async init(ctx, init) {
    throw new CallError("init is not written yet");
  },

  /** Awkward.u__. */
  async u(
    ctx,
    progress,
    timeout,
    cancel,
    options,
    opts,
    self,
    thisValue,
    call,
  ) {
    throw new CallError("u__ is not written yet");
  },

  /** Awkward.same. */
  async same(ctx, sameNames) {
    throw new CallError("same is not written yet");
  },

  /** Awkward.id. */
  async id(ctx, id) {
    throw new CallError("id is not written yet");
  },

  /** Awkward.types. */
  async types(ctx, type, object, boolean, any) {
    throw new CallError("types is not written yet");
  },

  /** Awkward.deep. */
  async deep(ctx, deep, deeper, lists, all) {
    throw new CallError("deep is not written yet");
  },

  /** Awkward.two. */
  async two(ctx, arg1, arg2) {
    throw new CallError("two is not written yet");
  },

  /** Awkward.tuple_in_tuple. */
  async tupleInTuple(ctx, arg1) {
    throw new CallError("tuple_in_tuple is not written yet");
  },

  /** Awkward.a_function_with_a_rather_long_name. */
  async aFunctionWithARatherLongName(ctx, aParameterWithALongName, longOne) {
    throw new CallError(
      "a_function_with_a_rather_long_name is not written yet",
    );
  },

  /** Awkward.status2. */
  async status2(ctx, status) {
    throw new CallError("status2 is not written yet");
  },

  /** Awkward.list_of. */
  async listOf(ctx, tupleOf) {
    throw new CallError("list_of is not written yet");
  },

  /** Awkward.errors. */
  async errors(ctx, error, context, ctxValue, err, json) {
    throw new CallError("errors is not written yet");
  },
};

export const service = new Service("Awkward");
register(service, functions);

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await service.run();
}
