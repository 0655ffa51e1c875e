// TreeBrowser draws trees in Newick format. It is a plain HTTP server with nothing but
// Node: a page, its assets, and two answers of its own.

import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { describe, layout, NotNewick, parse } from "./newick.js";

const STATIC = fileURLToPath(new URL("static", import.meta.url));
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".nwk": "text/plain; charset=utf-8" };
const MAX_TREE = 16 << 20; // bytes

/** An answer that is no success. */
class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Reads a body, up to MAX_TREE. */
async function bodyOf(request) {
  const parts = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > MAX_TREE) throw new Refusal(413, `a tree may have ${MAX_TREE >> 20} MiB`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

/** POST parse: the leaves and the size of the tree in the body. */
async function answerParse(request, response) {
  const answer = describe(parse(await bodyOf(request)));
  response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(answer));
}

/**
 * POST draw: where each node of the tree in the body is drawn, as server-sent events:
 * "progress" with done and total, then "tree", or "fault" with what is wrong.
 */
async function answerDraw(request, response) {
  const text = await bodyOf(request);
  const given = new AbortController();
  response.on("close", () => given.abort());
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  const send = (event, data) => response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  try {
    send("progress", { done: 0, total: 1 });
    const nodes = parse(text);
    send("tree", await layout(nodes, (done, total) => send("progress", { done, total }), given.signal));
  } catch (error) {
    if (given.signal.aborted) return;
    if (!(error instanceof NotNewick)) throw error;
    send("fault", { message: error.message });
  }
  response.end();
}

/** GET of an asset. Only names that are there can be asked for, so no path leads out. */
async function answerAsset(path, request, response) {
  const name = path === "/" ? "index.html" : path.slice(1);
  if (!(await readdir(STATIC)).includes(name)) throw new Refusal(404, "there is nothing here; POST parse and POST draw take trees");
  const file = join(STATIC, name);
  response.writeHead(200, { "Content-Type": TYPES[extname(name)] ?? "application/octet-stream", "Content-Length": (await stat(file)).size });
  if (request.method === "HEAD") response.end();
  else createReadStream(file).pipe(response);
}

async function answer(request, response) {
  const { pathname } = new URL(request.url, "http://here");
  const post = { "/parse": answerParse, "/draw": answerDraw }[pathname];
  if (post && request.method === "POST") return post(request, response);
  if (post) throw new Refusal(405, "POST a tree here");
  if (request.method !== "GET" && request.method !== "HEAD") throw new Refusal(405, "GET this");
  return answerAsset(pathname, request, response);
}

/** The server; it does not listen yet. */
export function newServer() {
  const server = createServer(async (request, response) => {
    try {
      await answer(request, response);
    } catch (error) {
      const status = error instanceof Refusal ? error.status : error instanceof NotNewick ? 400 : 500;
      if (status === 500) console.error(error);
      if (response.headersSent) {
        response.destroy();
        return;
      }
      const text = status === 500 ? "this failed; the log says why" : error.message;
      response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8", Connection: "close" }).end(`${text}\n`);
    }
  });
  server.keepAliveTimeout = 180_000; // longer than any gateway keeps an idle connection
  return server;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const server = newServer();
  server.listen(Number(process.env.PORT ?? 5000), process.env.HOST ?? "0.0.0.0", () => {
    console.log(`listening on ${server.address().address}:${server.address().port}`);
  });
  for (const signal of ["SIGTERM", "SIGINT"]) {
    process.once(signal, () => { // the answers that have begun come to their end
      server.close(() => process.exit(0));
      server.closeIdleConnections();
    });
  }
}
