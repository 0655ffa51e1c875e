// Sends the tree, follows the progress, and draws what comes back. All addresses are
// relative, so the page works under any prefix.

const WIDTH = 640; // pixels of the tree
const ROW = 16; // pixels of a leaf
const LABEL = 320; // pixels for names

const element = (id) => document.getElementById(id);

/** Yields the events of an answer: server-sent events, of a POST. */
async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    const parts = text.split("\n\n");
    text = parts.pop();
    for (const part of parts) {
      const [, event, data] = part.match(/^event: (.*)\ndata: (.*)$/);
      yield { event, data: JSON.parse(data) };
    }
  }
}

async function draw(newick) {
  const [progress, fault, tree] = [element("progress"), element("fault"), element("tree")];
  fault.textContent = "";
  progress.hidden = false;
  try {
    const response = await fetch("draw", { method: "POST", body: newick });
    if (!response.ok) throw new Error(await response.text());
    for await (const { event, data } of events(response)) {
      if (event === "progress") progress.value = data.done / data.total;
      if (event === "fault") throw new Error(`This is no tree in Newick format: ${data.message}`);
      if (event === "tree") show(tree, data);
    }
  } catch (error) {
    fault.textContent = error.message;
  } finally {
    progress.hidden = true;
  }
}

function show(svg, { nodes, leaves }) {
  const at = ({ x, y }) => [8 + x * WIDTH, y * ROW];
  let lines = "";
  const labels = [];
  for (const node of nodes) {
    const [x, y] = at(node);
    if (node.parent >= 0) {
      const [px, py] = at(nodes[node.parent]);
      lines += `M${px.toFixed(1)} ${py.toFixed(1)}V${y.toFixed(1)}H${x.toFixed(1)}`;
    }
    if (node.name) {
      const text = document.createElementNS(svg.namespaceURI, "text");
      text.setAttribute("x", x + 5);
      text.setAttribute("y", y);
      text.textContent = node.name;
      labels.push(text);
    }
  }
  const path = document.createElementNS(svg.namespaceURI, "path");
  path.setAttribute("d", lines);
  svg.setAttribute("width", WIDTH + LABEL);
  svg.setAttribute("height", (leaves + 1) * ROW);
  svg.replaceChildren(path, ...labels);
}

element("form").addEventListener("submit", (event) => {
  event.preventDefault();
  draw(element("newick").value);
});
element("file").addEventListener("change", async (event) => {
  const [file] = event.target.files;
  if (file) draw(await file.text());
});
draw(element("newick").value);
