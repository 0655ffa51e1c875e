// Progress of jobs: the latest of each, at most once a second, without making anyone wait.

import http from "node:http";
import https from "node:https";

const INTERVAL = 1000; // milliseconds between two reports of a job
const TIMEOUT = 2000; // milliseconds for one report

export class Progress {
  #log;
  #jobs = new Map(); // by URL: { body: the latest that was not sent, timer }

  constructor(log) {
    this.#log = log;
  }

  /** Keeps a report to be sent. */
  report(url, fraction, message) {
    const body = JSON.stringify({ progress: fraction, message });
    const job = this.#jobs.get(url);
    if (job) job.body = body;
    else this.#send(url, body);
  }

  /** Forgets a job: its answer says more than any report. */
  finish(url) {
    clearTimeout(this.#jobs.get(url)?.timer);
    this.#jobs.delete(url);
  }

  #send(url, body) {
    const timer = setTimeout(() => {
      const { body: next } = this.#jobs.get(url);
      if (next === undefined) this.#jobs.delete(url);
      else this.#send(url, next);
    }, INTERVAL).unref();
    this.#jobs.set(url, { body: undefined, timer });
    const told = (error) => this.#log.debug("progress not told", { error: String(error) });
    try {
      post(url, body, told);
    } catch (error) { // no URL
      told(error);
    }
  }
}

function post(url, body, failed) {
  const { request } = url.startsWith("https:") ? https : http;
  request(url, { method: "POST", timeout: TIMEOUT, headers: { "Content-Type": "application/json" } })
    .on("response", (response) => {
      if (response.statusCode >= 300) failed(`the answer was ${response.statusCode}`);
      response.resume();
    })
    .on("timeout", function late() {
      this.destroy(new Error(`no answer within ${TIMEOUT} ms`));
    })
    .on("error", failed)
    .end(body);
}
