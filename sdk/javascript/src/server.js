// Listens, hands requests on, and ends after the calls in flight.

import http from "node:http";

import { answer } from "./dispatch.js";

const IDLE = 180_000; // milliseconds; longer than the gateway keeps an idle connection
const HEAD = 64 << 10;
const LINGER = 2000; // milliseconds to take in what is still sent after a refusal
const AFTERMATH = 1000; // milliseconds for calls to end once they are cut
const LOOK = 20; // milliseconds between looks at what is still in flight

/** A service that listens on an address. */
export class Server {
  #dispatcher;
  #maxBody;
  #server;
  #draining = false;

  constructor(dispatcher, maxBody) {
    this.#dispatcher = dispatcher;
    this.#maxBody = maxBody;
    this.#server = http.createServer({ maxHeaderSize: HEAD, requestTimeout: 0, headersTimeout: IDLE, keepAliveTimeout: IDLE });
    this.#server.on("request", (req, res) => this.#request(req, res, false));
    this.#server.on("checkContinue", (req, res) => this.#request(req, res, true));
    this.#server.on("checkExpectation", (req, res) => this.#request(req, res, false));
    this.#server.on("clientError", complain);
  }

  /** Listens; rejects with a sentence that says which address. */
  async listen(host, port) {
    await new Promise((resolve, reject) => {
      this.#server.once("error", (error) => {
        const reason = { EADDRINUSE: "it is in use", EACCES: "it is not allowed", EADDRNOTAVAIL: "no such address here" };
        reject(new Error(
          `cannot listen on ${host} port ${port}: ${reason[error.code] ?? error.message}; ` +
            "set PORT (and HOST) to an address that is free here",
        ));
      });
      this.#server.listen({ host, port, backlog: 1024 }, resolve);
    });
    ({ address: this.host, port: this.port } = this.#server.address());
  }

  /** Finishes what is in flight, for at most grace milliseconds; resolves to the number of calls that were cut. */
  async stop(grace) {
    this.#draining = true;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    await turn(); // requests that have arrived are read, so their connections are not idle
    const sweep = setInterval(() => this.#server.closeIdleConnections(), LOOK);
    this.#server.closeIdleConnections();
    try {
      if (await within(closed, grace)) return 0;
      const cut = this.#dispatcher.calls;
      this.#dispatcher.cut("the service is stopping");
      await within(closed, AFTERMATH);
      this.#server.closeAllConnections();
      return cut;
    } finally {
      clearInterval(sweep);
    }
  }

  async #request(req, res, waits) {
    const path = pathOf(req.url);
    const fault = unsound(req);
    if (fault) this.#send(req, res, fault);
    else if (req.method !== "POST" || path !== "/") {
      this.#send(req, res, await this.#dispatcher.other(req.method, path, this.#draining));
    } else if (!this.#dispatcher.enter()) this.#send(req, res, this.#dispatcher.full());
    else {
      let cancel = () => {};
      let gone = false;
      res.once("close", () => {
        gone = true;
        if (!res.writableFinished) cancel("the caller left");
      });
      try {
        const reply = await this.#call(req, res, waits, (tell) => {
          cancel = tell;
          if (gone) cancel("the caller left");
        });
        if (reply) this.#send(req, res, reply);
      } finally {
        this.#dispatcher.leave();
      }
    }
  }

  // call answers, or returns nothing where the caller left before the end of the body.
  async #call(req, res, waits, left) {
    if (Number(req.headers["content-length"] ?? 0) > this.#maxBody) return tooLarge(this.#maxBody);
    if (waits) res.writeContinue();
    const body = await bodyOf(req, this.#maxBody);
    if (body === undefined) return undefined;
    return body === null ? tooLarge(this.#maxBody) : this.#dispatcher.call(body, req.headers, left);
  }

  #send(req, res, { status, body, headers }) {
    if (this.#draining) res.shouldKeepAlive = false;
    res.writeHead(status, {
      "Content-Type": "application/json",
      "Content-Length": Buffer.byteLength(body),
      ...headers,
    });
    res.end(body);
    if (!req.complete) discard(req);
  }
}

const tooLarge = (limit) => answer(413, { error: `the body is too large; this service takes ${limit} bytes` });

// unsound is the answer to a request that Node takes and this contract does not.
function unsound(req) {
  if (req.httpVersion !== "1.1" && req.httpVersion !== "1.0") {
    return answer(505, { error: "this is HTTP/1.1" }, { Connection: "close" });
  }
  let hosts = 0;
  const raw = req.rawHeaders;
  for (let at = 0; at < raw.length; at += 2) {
    if (raw[at].length === 4 && raw[at].toLowerCase() === "host") hosts++;
  }
  if (hosts > 1 || (hosts === 0 && req.httpVersion !== "1.0")) {
    return answer(400, { error: "there must be one Host header" }, { Connection: "close" });
  }
  const coding = req.headers["content-encoding"];
  if (coding !== undefined && coding.toLowerCase() !== "identity") {
    return answer(415, { error: "the body must not be compressed" });
  }
  return undefined;
}

function pathOf(url) {
  const target = url.startsWith("/") ? url : url.replace(/^[^/?]*:\/\/[^/?]*/, "") || "/";
  const query = target.indexOf("?");
  return query < 0 ? target : target.slice(0, query);
}

// bodyOf resolves to a Buffer, null if it is larger than limit, undefined if it ended early.
function bodyOf(req, limit) {
  return new Promise((resolve) => {
    const parts = [];
    let size = 0;
    req.on("data", (part) => {
      size += part.length;
      if (size <= limit) parts.push(part);
      else {
        parts.length = 0;
        resolve(null);
      }
    });
    req.on("end", () => resolve(parts.length === 1 ? parts[0] : Buffer.concat(parts)));
    req.on("error", () => resolve(undefined)); // aborted, or a chunk that is none
    req.on("close", () => resolve(undefined));
  });
}

// discard takes in the rest of a body that nobody wants, but not for long.
// Closing the connection at once would take the answer back.
function discard(req) {
  const timer = setTimeout(() => req.destroy(), LINGER);
  req.once("close", () => clearTimeout(timer));
  req.resume();
}

// complain answers what is no HTTP request, once, and takes in what is still
// on its way: closing before would take the answer back.
function complain(error, socket) {
  if (socket.complained || !socket.writable) {
    if (!socket.complained) socket.destroy();
    return;
  }
  socket.complained = true;
  const status = { HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large", ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout" };
  const body = JSON.stringify({ error: "this is no HTTP request that can be read" });
  socket.end(
    `HTTP/1.1 ${status[error.code] ?? "400 Bad Request"}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
  setTimeout(() => socket.destroy(), LINGER).unref();
}

const turn = () => new Promise((resolve) => setTimeout(() => setImmediate(resolve), 1));

async function within(promise, ms) {
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, ms, "late");
  });
  try {
    return (await Promise.race([promise, late])) !== "late";
  } finally {
    clearTimeout(timer);
  }
}
