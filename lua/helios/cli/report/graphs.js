// graphs.js - a model's graph, its nodes folded together to a depth.
// Nodes of the same first `depth` parts of their names are one; each stands below what it takes in.
function groups(nodes, depth) {
  const key = name => name.split("/").slice(0, depth).join("/");
  const all = new Map(), known = new Set(nodes.map(n => n.name));
  for (const node of nodes) {
    const k = key(node.name);
    if (!all.has(k)) all.set(k, {key: k, nodes: [], inputs: new Set(), rank: 0});
    all.get(k).nodes.push(node);
  }
  for (const node of nodes) for (const input of node.inputs) {
    const from = input.replace(/^\^/, "").replace(/:\d+$/, "");
    if (known.has(from) && key(from) !== key(node.name)) all.get(key(node.name)).inputs.add(key(from));
  }
  const list = [...all.values()];
  for (let round = 0, moved = true; moved && round < Math.min(list.length, 200); round++) {
    moved = false;
    for (const g of list) for (const input of g.inputs) {
      const rank = all.get(input).rank + 1;
      if (rank > g.rank && rank <= list.length) { g.rank = rank; moved = true; }
    }
  }
  // What takes nothing in (parameters, constants) stands just above the first that takes it.
  const takers = new Map();
  for (const g of list) for (const input of g.inputs)
    takers.set(input, Math.min(takers.get(input) ?? Infinity, g.rank));
  for (const g of list) if (g.inputs.size === 0 && takers.has(g.key)) g.rank = Math.max(0, takers.get(g.key) - 1);
  return [list, all];
}

const NODE_WIDTH = 170, NODE_HEIGHT = 34, NODE_GAP = 20, RANK_GAP = 36;

// Rows of nodes, each row in the middle, its nodes in the order of what they take in, so that few edges cross.
function place(list, all) {
  const byRank = new Map();
  for (const g of list) byRank.set(g.rank, [...(byRank.get(g.rank) || []), g]);
  const ranks = [...byRank.keys()].sort((a, b) => a - b).map(rank => byRank.get(rank));
  const step = NODE_WIDTH + NODE_GAP, widest = ranks.reduce((most, row) => Math.max(most, row.length), 1);
  ranks.forEach((row, line) => {
    row.forEach((g, i) => {
      const above = [...g.inputs].map(input => all.get(input)).filter(from => from.rank < g.rank);
      g.pull = above.length > 0 ? above.reduce((sum, from) => sum + from.x, 0) / above.length : i * step;
    });
    row.sort((a, b) => a.pull - b.pull);
    row.forEach((g, i) => {
      g.x = NODE_GAP + (widest - row.length) * step / 2 + i * step;
      g.y = NODE_GAP + line * (NODE_HEIGHT + RANK_GAP);
    });
  });
  return [2 * NODE_GAP + widest * step, NODE_GAP + ranks.length * (NODE_HEIGHT + RANK_GAP)];
}

function edge(from, to) {
  const x0 = from.x + NODE_WIDTH / 2, y0 = from.y + NODE_HEIGHT, x1 = to.x + NODE_WIDTH / 2, y1 = to.y;
  return svg("path", {class: "edge", d: `M${x0},${y0} C${x0},${y0 + 25} ${x1},${y1 - 25} ${x1},${y1}`});
}

function nodeOf(g, choose) {
  const label = clip(g.key.split("/").pop() || g.key, 24), many = g.nodes.length > 1 ? ` (${g.nodes.length})` : "";
  const e = svg("g", {class: "node"},
    svg("rect", {x: g.x, y: g.y, width: NODE_WIDTH, height: NODE_HEIGHT, rx: 7}),
    svg("text", {x: g.x + NODE_WIDTH / 2, y: g.y + 21, "text-anchor": "middle"}, label + many),
    svg("title", {}, g.key));
  e.addEventListener("click", () => {
    e.parentNode.querySelectorAll(".chosen").forEach(o => o.classList.remove("chosen"));
    e.classList.add("chosen");
    choose(g);
  });
  return e;
}

function drawGraph(nodes, depth, choose) {
  const [list, all] = groups(nodes, depth), [width, height] = place(list, all);
  return svg("svg", {viewBox: `0 0 ${width} ${height}`, width, height},
    ...list.flatMap(g => [...g.inputs].map(input => edge(all.get(input), g))), ...list.map(g => nodeOf(g, choose)));
}

// What is known of the nodes that one stands for.
function describe(g) {
  const row = (a, b) => make("tr", {}, make("th", {}, a), make("td", {}, b));
  const rows_ = g.nodes.slice(0, 30).flatMap(n => [row(n.name, n.op + (n.device ? ` on ${n.device}` : "")),
    ...Object.entries(n.attr).map(([k, v]) => row(k, clip(String(v), 500)))]);
  return [make("h2", {}, g.key), make("table", {}, ...rows_)];
}

const MOST_GROUPS = 30, MOST_DRAWN = 2000; // shown at first | in one drawing

function graphCard(entry) {
  const stage = make("div", {class: "scroll stage"});
  const about = make("div", {class: "scroll about"}, make("p", {class: "empty"}, "Click a node to see what it holds."));
  const card = make("div", {class: "card wide"}, heading("Graph", entry.run));
  later(card, () => {
    const nodes = json(entry.blob);
    const deepest = nodes.reduce((most, n) => Math.max(most, n.name.split("/").length), 1);
    const count = depth => groups(nodes, depth)[0].length;
    const control = slider(deepest, "depth", i => {
      const n = count(i + 1);
      if (n > MOST_DRAWN) stage.replaceChildren(make("p", {class: "empty"}, `${n} nodes are too many to draw.`));
      else stage.replaceChildren(drawGraph(nodes, i + 1, g => about.replaceChildren(...describe(g))));
      stage.scrollLeft = (stage.scrollWidth - stage.clientWidth) / 2;
      return `depth ${i + 1} of ${deepest}, ${nodes.length} nodes`;
    });
    let depth = deepest;
    while (depth > 1 && count(depth) > MOST_GROUPS) depth--;
    control.box.querySelector("input").value = depth - 1;
    card.append(control.box, make("div", {class: "graph"}, stage, about));
    control.update();
  });
  return card;
}

function otherSection(list) {
  const head = ["run", "kind", "tag", "points", "steps"];
  const body = list.map(o => make("tr", {}, ...[runName(o.run), o.kind, o.tag, o.points, `${o.first}..${o.last}`]
    .map(v => make("td", {}, String(v)))));
  return [make("div", {class: "card wide"}, make("div", {class: "scroll"},
    make("table", {}, make("tr", {}, ...head.map(h => make("th", {}, h))), ...body)))];
}
