// Trees in Newick format: reading, and where each node is drawn.

/** The text is no tree; the message says where and why. */
export class NotNewick extends Error {}

const STEP = 2000; // nodes between two signs of life

/**
 * Reads one tree, without recursion: a tree may be deep. Nodes are in the order of the
 * text, parents before children.
 *
 * @param {string} text
 * @returns {{name: string, length: number, parent: number, children: number[]}[]}
 */
export function parse(text) {
  const nodes = [];
  const add = (parent) => {
    nodes.push({ name: "", length: 0, parent, children: [] });
    if (parent >= 0) nodes[parent].children.push(nodes.length - 1);
    return nodes.length - 1;
  };
  const fault = (at, why) => new NotNewick(`character ${at + 1}: ${why}`);
  let at = add(-1);
  let open = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    switch (c) {
      case " ": case "\t": case "\r": case "\n":
        break;
      case "(":
        if (nodes[at].children.length > 0 || nodes[at].name) throw fault(i, "a ( may stand only where a subtree begins");
        at = add(at);
        open++;
        break;
      case ",": case ")":
        if (open === 0) throw fault(i, `a ${c} without a ( before it`);
        at = nodes[at].parent;
        if (c === ",") at = add(at);
        else open--;
        break;
      case "[":
        i = upTo(text, i, "]");
        if (i < 0) throw fault(text.length, "a [ without a ]");
        break;
      case ":": {
        const end = endOf(text, i + 1);
        const written = text.slice(i + 1, end).trim();
        if (written === "" || !Number.isFinite(Number(written))) throw fault(i, `"${written.slice(0, 40)}" is no length`);
        nodes[at].length = Number(written);
        i = end - 1;
        break;
      }
      case "'": {
        const end = upTo(text, i + 1, "'");
        if (end < 0) throw fault(i, "a ' without a second one");
        nodes[at].name += text.slice(i + 1, end);
        i = end;
        break;
      }
      case ";":
        if (open > 0) throw fault(i, `${open} ( are still open`);
        if (text.slice(i + 1).trim() !== "") throw fault(i, "something follows the ; that ends the tree");
        return nodes;
      default: {
        const end = endOf(text, i, " \t\r\n");
        nodes[at].name += text.slice(i, end);
        i = end - 1;
      }
    }
  }
  throw fault(text.length, "a ; must end the tree");
}

function upTo(text, from, mark) {
  return text.indexOf(mark, from);
}

/** Where a word that begins at from ends. */
function endOf(text, from, more = "") {
  let end = from;
  while (end < text.length && !",();:[".includes(text[end]) && !more.includes(text[end])) end++;
  return end;
}

/** The leaves of a tree and its size. */
export function describe(nodes) {
  const depth = new Int32Array(nodes.length);
  let deepest = 0;
  nodes.forEach((node, i) => {
    if (node.parent >= 0) depth[i] = depth[node.parent] + 1;
    deepest = Math.max(deepest, depth[i]);
  });
  return { leaves: nodes.filter((node) => node.children.length === 0).map((node) => node.name), nodes: nodes.length, depth: deepest };
}

/**
 * Where each node is drawn: leaves below each other, a parent in the middle of its
 * children, edges as long as they say, or equally long where none does. x goes from 0 to
 * 1, y counts leaves. It lets others work now and then, and tells how far it is.
 *
 * @param {ReturnType<typeof parse>} nodes
 * @param {(done: number, total: number) => void} progress
 * @param {AbortSignal} [signal] given up
 */
export async function layout(nodes, progress = () => {}, signal = undefined) {
  const total = 2 * nodes.length;
  let done = 0;
  const rest = async () => {
    if (++done % STEP !== 0) return;
    progress(done, total);
    await new Promise((next) => setImmediate(next));
    signal?.throwIfAborted();
  };
  const measured = nodes.some((node) => node.length > 0);
  const x = new Float64Array(nodes.length);
  const y = new Float64Array(nodes.length);
  let deepest = 0;
  let leaves = 0;
  for (let i = 0; i < nodes.length; i++) { // parents first
    const { parent, children, length } = nodes[i];
    if (parent >= 0) x[i] = x[parent] + (measured ? Math.max(length, 0) : 1);
    deepest = Math.max(deepest, x[i]);
    if (children.length === 0) y[i] = ++leaves;
    await rest();
  }
  for (let i = nodes.length - 1; i >= 0; i--) { // children first
    const { children } = nodes[i];
    if (children.length > 0) y[i] = (y[children[0]] + y[children[children.length - 1]]) / 2;
    await rest();
  }
  progress(total, total);
  return {
    leaves,
    nodes: nodes.map((node, i) => ({
      x: deepest > 0 ? x[i] / deepest : 0,
      y: y[i],
      parent: node.parent,
      name: node.name,
    })),
  };
}
