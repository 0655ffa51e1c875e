// JSON-RPC 1.1, as KBase speaks it, and 2.0: bodies to requests, results to bodies.

import { CallError, INVALID_PARAMS, INVALID_REQUEST, PARSE_ERROR } from "./errors.js";

const SHAPE = 'a request is one object such as {"version": "1.1", "id": "1", "method": "Module.name", "params": []}';
const NAMES = new Set(["method", "params", "id", "version", "jsonrpc"]);
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** One request, as far as it could be read: it knows how to answer itself. */
export class Envelope {
  v2 = false;
  id = "null"; // as JSON, exactly as it came
  method = "";
  params = [];

  /** The body of an answer; throws where values are no JSON. */
  result(values) {
    return `${this.#head()},"id":${this.id},"result":${JSON.stringify(values)}}`;
  }

  /** The body of an answer with status 500. KBase's clients take no other members. */
  error({ code, message, details }) {
    const error = this.v2
      ? { code, message, data: details }
      : { name: "JSONRPCError", code, message, error: details };
    return `${this.#head()},"id":${this.id},"error":${JSON.stringify(error)}}`;
  }

  #head() {
    return this.v2 ? '{"jsonrpc":"2.0"' : '{"version":"1.1"';
  }
}

/** Reads a body into envelope; throws CallError and leaves there what an answer needs. */
export function fill(envelope, body) {
  const refuse = (message, code = INVALID_REQUEST) => {
    throw new CallError(message, { code });
  };
  let text;
  let request;
  try {
    text = utf8.decode(body);
    request = JSON.parse(text);
  } catch (error) {
    refuse(`the body is not JSON: ${text === undefined ? "it is not UTF-8" : error.message}`, PARSE_ERROR);
  }
  if (Array.isArray(request)) refuse(`the body is a list: batches are not supported, ${SHAPE}`);
  if (request === null || typeof request !== "object") refuse(`the body is no object: ${SHAPE}`);
  const { twice, id } = look(text);
  if (twice) refuse(`${twice} stands twice in the request`);

  const has = (name) => Object.hasOwn(request, name);
  if (has("id") && request.id !== null && typeof request.id === "object") refuse("id must be a string or a number");
  envelope.id = id;
  if (has("jsonrpc")) {
    if (request.jsonrpc !== "2.0") refuse('jsonrpc must be "2.0"; leave it out for JSON-RPC 1.1');
    envelope.v2 = true;
  }
  if (has("version") && typeof request.version !== "string") refuse("version must be a string");
  if (!has("method") || typeof request.method !== "string" || !request.method) {
    refuse(`method is missing or no string: ${SHAPE}`);
  }
  envelope.method = request.method;
  const params = (has("params") ? request.params : null) ?? [];
  if (!Array.isArray(params) && !(envelope.v2 && typeof params === "object")) {
    refuse("params must be a list, one element for each parameter", INVALID_PARAMS);
  }
  envelope.params = params;
}

// look finds what JSON.parse does not tell: a name that stands twice in the
// outermost object, of which another reader, the gateway, could see the other
// value; and the id as it was written. The text is sound JSON by now.
function look(text) {
  const seen = new Set();
  let id = "null";
  let at = skip(text, text.indexOf("{") + 1);
  while (text[at] !== "}") {
    const start = at;
    at = endOfString(text, at);
    const raw = text.slice(start, at);
    const name = raw.includes("\\") ? JSON.parse(raw) : raw.slice(1, -1);
    at = skip(text, skip(text, at) + 1);
    const value = at;
    at = endOfValue(text, at);
    if (NAMES.has(name)) {
      if (seen.has(name)) return { twice: name, id };
      seen.add(name);
      if (name === "id") id = text.slice(value, at);
    }
    at = skip(text, at);
    if (text[at] === ",") at = skip(text, at + 1);
  }
  return { twice: "", id };
}

function skip(text, at) {
  for (;;) {
    const c = text.charCodeAt(at);
    if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return at;
    at++;
  }
}

function endOfString(text, at) {
  for (let quote = at; ;) {
    quote = text.indexOf('"', quote + 1);
    let escapes = quote;
    while (text[escapes - 1] === "\\") escapes--;
    if ((quote - escapes) % 2 === 0) return quote + 1;
  }
}

const mark = /["{}[\]]/g;
const end = /[,}\s]/g;

function endOfValue(text, at) {
  const first = text[at];
  if (first === '"') return endOfString(text, at);
  if (first !== "{" && first !== "[") {
    end.lastIndex = at;
    return end.exec(text).index;
  }
  for (let depth = 0; ;) {
    mark.lastIndex = at;
    at = mark.exec(text).index;
    const c = text[at];
    if (c === '"') {
      at = endOfString(text, at);
      continue;
    }
    depth += c === "{" || c === "[" ? 1 : -1;
    at++;
    if (depth === 0) return at;
  }
}
