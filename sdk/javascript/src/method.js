// A function as callers see it: its parameters, and whether given ones fit.

import { InvalidParams } from "./errors.js";

const KINDS = {
  string: { words: "a string", fits: (value) => typeof value === "string" },
  integer: { words: "a whole number", fits: Number.isInteger },
  number: { words: "a number", fits: (value) => typeof value === "number" },
  boolean: { words: "true or false", fits: (value) => typeof value === "boolean" },
  array: { words: "a list", fits: Array.isArray },
  object: {
    words: "an object",
    fits: (value) => value !== null && typeof value === "object" && !Array.isArray(value),
  },
  any: { words: "anything", fits: () => true },
};

/** Several values as the result of one method. */
export class Results {
  constructor(values) {
    this.values = values;
  }
}

/** Returns several values from a method: `return results(count, names)`. */
export const results = (...values) => new Results(values);

/** A function that can be called by name. */
export class Method {
  #parameters; // undefined: any
  #fewest = 0;

  /** name is Module.name; parameters maps names to kinds, in their order. */
  constructor(name, parameters, fn) {
    if (typeof fn !== "function") throw new TypeError(`${name}: the last argument must be the function`);
    this.name = name;
    this.fn = fn;
    if (parameters === undefined) return;
    this.#parameters = Object.entries(parameters).map(([parameter, kind]) => read(name, parameter, kind));
    this.#fewest = this.#parameters.filter((p) => !p.optional).length;
    if (this.#parameters.slice(0, this.#fewest).some((p) => p.optional)) {
      throw new TypeError(`${name}: a parameter that may be left out stands before one that must be given`);
    }
  }

  get #takes() {
    const names = this.#parameters.map((p) => (p.optional ? `${p.name} (optional)` : p.name));
    return `${this.name} takes ${names.join(", ") || "no parameters"}`;
  }

  /** Returns the function's arguments; throws InvalidParams. */
  bind(params) {
    const all = this.#parameters;
    if (!Array.isArray(params)) return this.#byName(params);
    if (all === undefined) return params;
    if (params.length < this.#fewest) throw new InvalidParams(`${all[params.length].name} is missing: ${this.#takes}`);
    if (params.length > all.length) {
      throw new InvalidParams(`${params.length} parameters are too many: ${this.#takes}`);
    }
    for (let at = 0; at < params.length; at++) this.#fit(all[at], params[at]);
    return params;
  }

  #byName(params) {
    if (this.#parameters === undefined) {
      throw new InvalidParams(`${this.name} takes parameters by position: params must be a list`);
    }
    for (const name of Object.keys(params)) {
      if (!this.#parameters.some((p) => p.name === name)) {
        throw new InvalidParams(`${name} is no parameter: ${this.#takes}`);
      }
    }
    return this.#parameters.map((p) => {
      if (!Object.hasOwn(params, p.name)) {
        if (p.optional) return undefined;
        throw new InvalidParams(`${p.name} is missing: ${this.#takes}`);
      }
      this.#fit(p, params[p.name]);
      return params[p.name];
    });
  }

  #fit(parameter, value) {
    if (parameter.kind.fits(value) || (value === null && parameter.nullable)) return;
    throw new InvalidParams(
      `${parameter.name} of ${this.name} must be ${parameter.kind.words}, not ${said(value)}`,
    );
  }
}

/** What a function returned as the list that a result is. */
export function values(returned) {
  if (returned === undefined) return null;
  if (returned instanceof Results) return returned.values;
  if (typeof returned === "function" || typeof returned === "symbol") {
    throw new TypeError(`a ${typeof returned} is no JSON`); // JSON.stringify would make it null
  }
  return [returned];
}

// read understands "string", "string?" (may be left out) and "string|null".
function read(method, name, text) {
  const [, word, nullable, optional] = /^(\w+)(\|null)?(\?)?$/.exec(text) ?? [];
  if (!Object.hasOwn(KINDS, word ?? "")) {
    throw new TypeError(
      `${method}: the kind of ${name} must be one of ${Object.keys(KINDS).join(", ")}, ` +
        `with |null where null will do and ? where it may be left out, not ${JSON.stringify(text)}`,
    );
  }
  return { name, kind: KINDS[word], nullable: Boolean(nullable), optional: Boolean(optional) };
}

function said(value) {
  if (value === null) return "null";
  for (const { words, fits } of Object.values(KINDS)) if (fits(value)) return words;
  return "something else";
}
