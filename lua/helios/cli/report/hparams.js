// hparams.js - the table of hyper-parameters and metrics, and their parallel coordinates.
function hparamsSection(h) {
  const columns = [...h.names.map(name => ({name, of: "values"})), ...h.metrics.map(name => ({name, of: "metrics"}))];
  const value = (row, c) => Object.hasOwn(row[c.of], c.name) ? unnumber(row[c.of][c.name]) : undefined;
  const shown = () => h.rows.filter(row => state.shown.has(row.run));
  const cards = [hparamsTable(columns, value, shown)];
  if (columns.length > 1) cards.push(parallel(columns, value, shown));
  return cards;
}

function hparamsTable(columns, value, shown) {
  let sorted = -1, upward = true;
  const table = make("table");
  const order = (a, b) => {
    const p = value(a, columns[sorted]), q = value(b, columns[sorted]);
    const numbers = typeof p === "number" && typeof q === "number";
    const sign = numbers ? p - q : String(p ?? "").localeCompare(String(q ?? ""));
    return upward ? sign : -sign;
  };
  const header = (c, i) => make("th", {class: "sort", onclick: () => {
    upward = sorted === i ? !upward : true;
    sorted = i;
    draw();
  }}, (c.of === "metrics" ? "metric: " : "") + c.name + (sorted === i ? (upward ? " ▲" : " ▼") : ""));
  const cell = v => make("td", {class: typeof v === "number" ? "number" : ""}, v === undefined ? "" : short(v));
  function draw() {
    const list = shown();
    if (sorted >= 0) list.sort(order);
    table.replaceChildren(make("tr", {}, make("th", {}, "run"), ...columns.map(header)),
      ...list.map(row => make("tr", {}, make("td", {}, swatch(color(row.run)), " ", runName(row.run)),
        ...columns.map(c => cell(value(row, c))))));
  }
  draw();
  redraws.push(draw);
  return make("div", {class: "card wide"}, make("div", {class: "scroll"}, table));
}

// Where a column's values lie, 0 at the bottom to 1, and which of them are written beside its axis. Positive numbers
// that span two powers of ten are on a logarithmic axis.
function scaleOf(list) {
  if (list.some(v => typeof v !== "number")) {
    const kinds = [...new Set(list.map(String))].sort();
    return {at: v => kinds.length > 1 ? kinds.indexOf(String(v)) / (kinds.length - 1) : 0.5, marks: kinds.slice(0, 12)};
  }
  const finite = list.filter(Number.isFinite);
  const low = Math.min(...finite), high = Math.max(...finite), log = low > 0 && high / low >= 100;
  if (!(high > low)) return {at: () => 0.5, marks: finite.slice(0, 1)};
  const f = log ? Math.log : v => v;
  const middle = log ? Math.exp((f(low) + f(high)) / 2) : low / 2 + high / 2;
  const at = v => v === Infinity ? 1 : v === -Infinity ? 0 : (f(v) - f(low)) / (f(high) - f(low));
  return {at, marks: [low, middle, high], log};
}

function parallel(columns, value, shown) {
  const stage = make("div", {class: "scroll"}), height = 320;
  const card = make("div", {class: "card wide"}, make("h2", {}, "Parallel coordinates"), stage);
  function draw() {
    const list = shown(), width = Math.max(130 * columns.length, stage.clientWidth);
    const x = i => 70 + (width - 160) * i / (columns.length - 1), y = u => 280 - 230 * u;
    const scales = columns.map(c => scaleOf(list.map(row => value(row, c)).filter(v => v !== undefined)));
    const drawing = svg("svg", {viewBox: `0 0 ${width} ${height}`, width, height});
    for (const row of list) {
      const points = columns.map((c, i) => [i, value(row, c)])
        .filter(([, v]) => v !== undefined && !Number.isNaN(v)).map(([i, v]) => `${x(i)},${y(scales[i].at(v))}`);
      drawing.append(svg("polyline", {class: "run", points: points.join(" "), stroke: color(row.run)},
        svg("title", {}, runName(row.run))));
    }
    columns.forEach((c, i) => {
      drawing.append(svg("line", {class: "axis", x1: x(i), x2: x(i), y1: y(0), y2: y(1)}),
        svg("text", {class: c.of, x: x(i), y: 22, "text-anchor": "middle"},
          clip(c.name, 18) + (scales[i].log ? " (log)" : "")));
      for (const mark of scales[i].marks)
        drawing.append(svg("text", {class: "mark", x: x(i) + 6, y: y(scales[i].at(mark)) + 4}, clip(short(mark), 14)));
    });
    stage.replaceChildren(drawing);
  }
  later(card, draw);
  drawnAgain(card, draw);
  return card;
}
