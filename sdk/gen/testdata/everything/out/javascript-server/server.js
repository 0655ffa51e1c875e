// The module Everything. This file is yours: it was written once. The functions of
// the interface are declared in interface.js, which is written again with each
// change of it.

import { pathToFileURL } from "node:url";
import { CallError, Service } from "@dynsvc/sdk";
import { register } from "./interface.js";

/** @type {import("./interface.js").Functions} */
const functions = {
  /**
   * Everything.echo_record.
   *
   * Gives back what it gets.
   */
  async echoRecord(ctx, record) {
    throw new CallError("echo_record is not written yet");
  },

  /** Everything.echo_words. */
  async echoWords(ctx, words) {
    throw new CallError("echo_words is not written yet");
  },

  /** Everything.echo_hard. */
  async echoHard(ctx, hard) {
    throw new CallError("echo_hard is not written yet");
  },

  /** Everything.echo_types. */
  async echoTypes(ctx, client, job, words, things, error) {
    throw new CallError("echo_types is not written yet");
  },

  /** Everything.echo_scalars. */
  async echoScalars(ctx, i, f, s, b) {
    throw new CallError("echo_scalars is not written yet");
  },

  /** Everything.echo_any. */
  async echoAny(ctx, value) {
    throw new CallError("echo_any is not written yet");
  },

  /** Everything.echo_lists. */
  async echoLists(ctx, strings, rows, columns) {
    throw new CallError("echo_lists is not written yet");
  },

  /** Everything.echo_rows. */
  async echoRows(ctx, rows) {
    throw new CallError("echo_rows is not written yet");
  },

  /** Everything.echo_tuple. */
  async echoTuple(ctx, pair) {
    throw new CallError("echo_tuple is not written yet");
  },

  /** Everything.echo_empty. */
  async echoEmpty(ctx, empty) {
    throw new CallError("echo_empty is not written yet");
  },

  /** Everything.echo_reference. */
  async echoReference(ctx, reference) {
    throw new CallError("echo_reference is not written yet");
  },

  /**
   * Everything.count.
   *
   * Takes nothing, gives one.
   */
  async count(ctx) {
    throw new CallError("count is not written yet");
  },

  /**
   * Everything.forget.
   *
   * Takes one, gives nothing.
   */
  async forget(ctx, what) {
    throw new CallError("forget is not written yet");
  },

  /**
   * Everything.nothing.
   *
   * Neither takes nor gives.
   */
  async nothing(ctx) {
    throw new CallError("nothing is not written yet");
  },

  /**
   * Everything.unnamed.
   *
   * Equal types without names.
   */
  async unnamed(ctx, arg1, arg2, arg3, inner, arg5) {
    throw new CallError("unnamed is not written yet");
  },

  /**
   * Everything.middle.
   *
   * A region in the middle.
   *
   * @deprecated Use echo_rows.
   */
  async middle(ctx, regions) {
    throw new CallError("middle is not written yet");
  },

  /**
   * Everything.import.
   *
   * Names that are taken in some language.
   */
  async import(ctx, classValue, self, thisValue, from, asyncValue) {
    throw new CallError("import is not written yet");
  },

  /**
   * Everything.close.
   *
   * Called as clients call what they have themselves.
   */
  async close(ctx, url, token, options, callback, ctxValue, client) {
    throw new CallError("close is not written yet");
  },

  /**
   * Everything.fail.
   *
   * Fails as the caller says.
   */
  async fail(ctx, code, message) {
    throw new CallError("fail is not written yet");
  },

  /**
   * Everything.whoami. It needs a token.
   *
   * Only for those who are known.
   */
  async whoami(ctx) {
    throw new CallError("whoami is not written yet");
  },

  /**
   * Everything.slow.
   *
   * Takes a while, and says how far it is.
   */
  async slow(ctx, steps, how) {
    throw new CallError("slow is not written yet");
  },

  /** Everything.slow_pair. */
  async slowPair(ctx, steps) {
    throw new CallError("slow_pair is not written yet");
  },

  /** Everything.slow_nothing. */
  async slowNothing(ctx, steps) {
    throw new CallError("slow_nothing is not written yet");
  },
};

export const service = new Service("Everything");
register(service, functions);

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await service.run();
}
