import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { describe, layout, NotNewick, parse } from "../newick.js";
import { newServer } from "../server.js";

const TREES = new URL("../../../../shared/data/trees/", import.meta.url);

/** A real tree where it is beside the project, else one that is made up. */
function tree(name, leaves) {
  const file = new URL(name, TREES);
  if (existsSync(file)) return readFileSync(file, "utf8");
  let text = "leaf0:1";
  for (let i = 1; i < leaves; i++) text = `(${text},leaf${i}:${i % 7}):0.5`;
  return `${text};`;
}

test("trees are read", () => {
  for (const [text, leaves, nodes, depth] of [
    ["A;", ["A"], 1, 0],
    [";", [""], 1, 0],
    ["(A,B)C;", ["A", "B"], 3, 1],
    [" ( ( A:1 , 'B b':2.5e1 [note] )x:3 ,C ) ;\n", ["A", "B b", "C"], 5, 2],
    ["(,,);", ["", "", ""], 4, 1],
    [`${"(".repeat(100000)}A${")".repeat(100000)};`, ["A"], 100001, 100000],
  ]) {
    assert.deepEqual(describe(parse(text)), { leaves, nodes, depth }, text.slice(0, 40));
  }
  assert.equal(parse("(A:1,B:2.5e1);")[2].length, 25);
});

test("what is no tree is refused with its place", () => {
  for (const [text, why] of [
    ["", /^character 1: a ; must end/], ["(A,B)", /^character 6: a ; must end/], ["(A;", /^character 3: 1 \( are still open/],
    ["A);", /^character 2: a \) without/], ["A,B;", /^character 2: a , without/], ["A(B);", /^character 2: a \( may/],
    ["(A:x);", /^character 3: "x" is no length/], ["A; B;", /^character 2: something follows/], ["'A;", /^character 1: a '/], ["A[;", /a \[ without/],
  ]) {
    assert.throws(() => parse(text), (error) => error instanceof NotNewick && why.test(error.message), text);
  }
});

test("a tree is laid out, and the progress told", async () => {
  const { nodes, leaves } = await layout(parse("((A:1,B:3):1,C:2);"));
  assert.equal(leaves, 3);
  const at = Object.fromEntries(nodes.filter((node) => node.name).map(({ name, x, y }) => [name, [x, y]]));
  assert.deepEqual(at, { A: [0.5, 1], B: [1, 2], C: [0.5, 3] });
  assert.deepEqual([nodes[0].x, nodes[0].y], [0, 2.25]);

  const told = [];
  const flu = parse(tree("flu-pb2.nwk", 5000));
  const drawn = await layout(flu, (done, total) => told.push(done / total));
  assert.equal(drawn.leaves, describe(flu).leaves.length);
  assert.ok(told.length > 1 && told.at(-1) === 1, `told ${told}`);
  assert.deepEqual(told, [...told].sort((a, b) => a - b));
  for (const { x, y, parent } of drawn.nodes) {
    assert.ok(x >= 0 && x <= 1 && y >= 1 && y <= drawn.leaves);
    if (parent >= 0) assert.ok(x >= drawn.nodes[parent].x);
  }
  const given = new AbortController();
  await assert.rejects(layout(flu, () => given.abort(), given.signal), { name: "AbortError" });
});

let server;
let url;
before(async () => {
  server = newServer();
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  url = `http://127.0.0.1:${server.address().port}`;
});
after(() => server.close());

test("the page and its assets are served, and nothing else", async () => {
  for (const [path, type, part] of [["/", "text/html", "<svg"], ["/draw.js", "text/javascript", "fetch(\"draw\""], ["/style.css", "text/css", "svg"]]) {
    const response = await fetch(url + path);
    assert.equal(response.status, 200, path);
    assert.ok(response.headers.get("Content-Type").startsWith(type), path);
    assert.ok((await response.text()).includes(part), path);
  }
  for (const [path, method, status] of [
    ["/server.js", "GET", 404], ["/..%2fserver.js", "GET", 404], ["/%2e%2e/server.js", "GET", 404], ["/nothing", "GET", 404],
    ["/parse", "GET", 405], ["/", "POST", 405],
  ]) {
    const response = await fetch(url + path, { method });
    assert.equal(response.status, status, `${method} ${path}`);
    await response.text();
  }
});

test("parse answers JSON, or what is wrong", async () => {
  const good = await fetch(`${url}/parse`, { method: "POST", body: "((A:1,B:2):1,C:3);" });
  assert.deepEqual(await good.json(), { leaves: ["A", "B", "C"], nodes: 5, depth: 2 });
  const bad = await fetch(`${url}/parse`, { method: "POST", body: "(A" });
  assert.equal(bad.status, 400);
  assert.match(await bad.text(), /character 3/);
});

test("draw tells its progress by events", async () => {
  const text = tree("flu-pb2.nwk", 5000);
  const response = await fetch(`${url}/draw`, { method: "POST", body: text });
  assert.equal(response.headers.get("Content-Type"), "text/event-stream");
  const events = (await response.text()).trimEnd().split("\n\n").map((part) => part.match(/^event: (.*)\ndata: (.*)$/));
  assert.ok(events.length > 2);
  assert.deepEqual([...new Set(events.map(([, event]) => event))], ["progress", "tree"]);
  assert.equal(JSON.parse(events.at(-1)[2]).nodes.length, parse(text).length);
  const bad = await (await fetch(`${url}/draw`, { method: "POST", body: "A" })).text();
  assert.match(bad, /event: fault\ndata: {"message":"character 2/);
});
