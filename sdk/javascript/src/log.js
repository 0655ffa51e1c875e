// Logs: one JSON object a line on stderr.

import { LEVELS } from "./environment.js";

const toStderr = (line) => process.stderr.write(line);

/** Writes lines with a message, which is constant, and fields, which vary. */
export class Log {
  #least;
  #write;
  #fields;

  constructor(level = "info", write = toStderr, fields = {}) {
    this.#least = LEVELS.indexOf(level);
    this.#write = write;
    this.#fields = fields;
  }

  /** Returns a log whose lines have these fields as well. */
  having(fields) {
    return new Log(LEVELS[this.#least], this.#write, { ...this.#fields, ...fields });
  }

  enabled(level) {
    return LEVELS.indexOf(level) >= this.#least;
  }

  debug(msg, fields) {
    this.#line("debug", msg, fields);
  }

  info(msg, fields) {
    this.#line("info", msg, fields);
  }

  warn(msg, fields) {
    this.#line("warn", msg, fields);
  }

  error(msg, fields) {
    this.#line("error", msg, fields);
  }

  #line(level, msg, fields) {
    if (!this.enabled(level)) return;
    const entry = { time: new Date().toISOString(), level, msg, ...this.#fields, ...fields };
    let text;
    try {
      text = JSON.stringify(entry, plain);
    } catch { // an object that holds itself
      text = JSON.stringify(Object.fromEntries(Object.entries(entry).map(([key, value]) => [key, String(value)])));
    }
    this.#write(`${text}\n`);
  }
}

function plain(_key, value) {
  if (typeof value === "bigint") return String(value);
  return value instanceof Error ? cause(value) : value;
}

/** The error with the place that it comes from, and what caused it. */
export function cause(error) {
  if (!(error instanceof Error)) return String(error);
  const text = error.stack || String(error);
  return error.cause === undefined ? text : `${text}\ncaused by ${cause(error.cause)}`;
}
