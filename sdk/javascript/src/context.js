// The context of a call: who calls, until when, and whether it still matters.

import { Cancelled } from "./errors.js";

const LONGEST_TIMER = 2 ** 31 - 1; // milliseconds

/** What a method may know of its call: its first argument. */
export class Context {
  #headers;
  #progress;
  #log;
  #callLog;
  #until;
  #why = "";
  #controller;
  #timer;

  constructor(method, headers, requestId, progress, log) {
    this.method = method;
    this.requestId = requestId;
    this.user = utf8(headers["x-dynsvc-user"]) || null;
    this.job = headers["x-dynsvc-job"] || null;
    this.#headers = headers;
    this.#progress = progress;
    this.#log = log;
    this.#until = milliseconds(headers["x-dynsvc-deadline"]);
  }

  get token() {
    const text = (this.#headers.authorization ?? "").trim();
    return (/^(?:bearer|oauth) +(.+)$/i.exec(text)?.[1] ?? text) || null;
  }

  get deadline() {
    return this.#until === null ? null : new Date(this.#until);
  }

  remaining() {
    return this.#until === null ? null : Math.max(0, this.#until - Date.now());
  }

  get log() {
    return (this.#callLog ??= this.#log.having({
      request_id: this.requestId,
      method: this.method,
      ...(this.job && { job: this.job }),
    }));
  }

  progress(fraction, message = "") {
    const url = this.job && this.#headers["x-dynsvc-progress"];
    if (url) this.#progress.report(url, Math.min(Math.max(Number(fraction) || 0, 0), 1), String(message));
  }

  cancelled() {
    if (!this.#why && this.#until !== null && Date.now() >= this.#until) this.cancel("its deadline has passed");
    return this.#why !== "";
  }

  check() {
    if (this.cancelled()) throw this.#error();
  }

  get signal() {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.cancelled()) this.#controller.abort(this.#error());
      else if (this.#until !== null && this.remaining() <= LONGEST_TIMER) {
        this.#timer = setTimeout(() => this.cancel("its deadline has passed"), this.remaining());
      }
    }
    return this.#controller.signal;
  }

  sleep(ms) {
    const { signal } = this;
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const stop = () => {
        clearTimeout(timer);
        reject(signal.reason);
      };
      const timer = setTimeout(() => {
        signal.removeEventListener("abort", stop);
        resolve();
      }, ms);
      signal.addEventListener("abort", stop, { once: true });
    });
  }

  /** The runtime's: nobody waits any more, and why. */
  cancel(why) {
    if (this.#why) return;
    this.#why = why;
    this.#controller?.abort(this.#error());
  }

  /** The runtime's: the function has returned. */
  finish() {
    clearTimeout(this.#timer);
    if (this.job) this.#progress.finish(this.#headers["x-dynsvc-progress"]);
  }

  #error() {
    return new Cancelled(`the call was cancelled: ${this.#why}`);
  }
}

// utf8 reads a header again, of which Node takes every byte for a character.
function utf8(text) {
  if (!text || !/[\x80-\xff]/.test(text)) return text;
  const again = Buffer.from(text, "latin1").toString("utf8");
  return again.includes("\ufffd") ? text : again;
}

function milliseconds(text) {
  if (text === undefined || !/^-?\d{1,15}$/.test(text)) return null;
  return Number(text);
}
