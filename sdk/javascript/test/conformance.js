// Drives one case of the conformance table over HTTP and says what is wrong with the answer.

import http from "node:http";
import net from "node:net";
import { isDeepStrictEqual } from "node:util";

/** What is wrong, as sentences. */
export async function faults(port, { send, want }) {
  const wrong = [];
  const answer = send.raw === undefined ? await ask(port, send) : await askRaw(port, filled(send, "raw"));
  const count = want.answers ?? 1;
  if (answer.count !== count) wrong.push(`${answer.count} answers, want ${count}`);
  if (![want.status].flat().includes(answer.status)) wrong.push(`status ${answer.status}, want ${want.status}: ${answer.body}`);
  for (const [name, value] of Object.entries(want.headers ?? {})) {
    const got = answer.headers[name.toLowerCase()];
    if (got !== value) wrong.push(`header ${name} is ${got}, want ${value}`);
  }
  for (const name of want.no_headers ?? []) if (name.toLowerCase() in answer.headers) wrong.push(`header ${name} is there`);
  if (want.closes && !answer.closed) wrong.push("the connection stays open");
  for (const hidden of want.hides ?? []) if (answer.body.includes(hidden)) wrong.push(`${hidden} stands in ${answer.body}`);
  let body = {};
  try {
    body = JSON.parse(answer.body);
  } catch {
    // a refusal by HTTP alone may be plain text
  }
  if (want.json) wrong.push(...misfits(body, want.json, ""));
  for (const path of want.absent ?? []) {
    if (path.split(".").reduce((at, name) => at?.[name], body) !== undefined) wrong.push(`${path} is there: ${answer.body}`);
  }
  const message = body?.error?.message ?? answer.body;
  for (const part of want.says ?? []) if (!message.includes(part)) wrong.push(`${part} does not stand in ${message}`);
  return wrong;
}

function ask(port, send) {
  let data;
  if (send.json !== undefined) data = JSON.stringify(send.json);
  else if (send.text !== undefined) data = filled(send, "text");
  else if (send.base64 !== undefined) data = Buffer.from(send.base64, "base64");
  const { method = "POST", path = "/" } = send;
  const headers = { "Content-Length": Buffer.byteLength(data ?? ""), ...send.headers };
  return new Promise((resolve, reject) => {
    http.request({ host: "127.0.0.1", port, method, path, headers, agent: false }, async (response) => {
      const body = (await response.toArray()).join("");
      resolve({ status: response.statusCode, headers: response.headers, body, count: 1 });
    }).on("error", reject).end(data);
  });
}

// askRaw writes text, and takes the last of the answers until the connection is closed.
function askRaw(port, text) {
  return new Promise((resolve, reject) => {
    const parts = [];
    const socket = net.connect(port, "127.0.0.1", () => socket.write(text));
    socket.on("data", (part) => parts.push(part));
    socket.on("error", (error) => parts.length || reject(error));
    socket.on("close", () => {
      const heads = Buffer.concat(parts).toString().split(/HTTP\/1\.1 (?=\d{3} )/).slice(1);
      const last = heads.at(-1) ?? "";
      const at = last.indexOf("\r\n\r\n");
      const [status, ...lines] = last.slice(0, at).split("\r\n");
      const headers = Object.fromEntries(lines.map((line) => line.split(": ")).map(([name, value]) => [name.toLowerCase(), value]));
      resolve({ status: Number(status.slice(0, 3)), headers, body: last.slice(at + 4), count: heads.length, closed: true });
    });
    socket.setTimeout(20_000, () => socket.destroy(new Error("the connection stays open")));
  });
}

function filled(send, key) {
  return Object.entries(send.fill ?? {}).reduce((text, [word, [part, times]]) => text.replaceAll(word, part.repeat(times)), send[key]);
}

function misfits(got, want, where) {
  if (want === "<text>") return typeof got === "string" && got ? [] : [`${where} is ${got}, want a text`];
  if (Array.isArray(want) && Array.isArray(got) && got.length === want.length) {
    return want.flatMap((value, at) => misfits(got[at], value, `${where}[${at}]`));
  }
  if (isObject(want) && isObject(got)) {
    return Object.entries(want).flatMap(([key, value]) =>
      Object.hasOwn(got, key) ? misfits(got[key], value, `${where}.${key}`) : [`${where}.${key} is missing`]);
  }
  return isDeepStrictEqual(got, want) ? [] : [`${where} is ${JSON.stringify(got)}, want ${JSON.stringify(want)}`];
}

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
