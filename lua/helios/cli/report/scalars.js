// scalars.js - curves of all runs of a tag, and the charts of layouts.
async function unpack(part) {
  if (part.points) return part.points;
  const text = atob(blob(part.blob)), n = part.n;
  const packed = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) packed[i] = text.charCodeAt(i);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const raw = new Uint8Array(await new Response(stream).arrayBuffer());
  const join = (from, size) => {
    const out = new Uint8Array(n * size);
    for (let i = 0; i < size; i++) for (let k = 0; k < n; k++) out[k * size + i] = raw[from + i * n + k];
    return out.buffer;
  };
  const steps = new Float64Array(join(0, 8)), counts = new Uint32Array(join(8 * n, 4));
  const values = new Float32Array(join(12 * n, 4)), times = new Float64Array(n);
  let count = 0;
  for (let k = 0; k < n; k++) {
    if (k > 0) steps[k] += steps[k - 1];
    count = (count + counts[k]) >>> 0;
    times[k] = part.t0 + count * part.unit;
  }
  return part.points = {steps, times, values};
}

// The exponential moving average with its start corrected, as TensorBoard has it.
function smoothed(values, weight) {
  const out = new Float64Array(values.length);
  let last = 0, correction = 1;
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) { out[i] = NaN; continue; }
    last = last * weight + (1 - weight) * values[i];
    correction *= weight;
    out[i] = weight > 0 ? last / (1 - correction) : last;
  }
  return out;
}

const LAST_DATE = 8.64e15; // in milliseconds; beyond it there are none
function xValues(points) {
  if (state.x === "step") return points.steps;
  if (state.x === "wall") return points.times.map(t => Math.abs(t * 1000) <= LAST_DATE ? t * 1000 : NaN);
  const first = points.times[0];
  return points.times.map(t => (t - first) / 3600);
}

// Which points to draw: all, or the lowest and highest of each stretch when there are more than `most`.
function chosen(xs, ys, range, most) {
  let from = 0, to = xs.length;
  if (range) {
    while (from < to && xs[from] < range[0]) from++;
    while (to > from && xs[to - 1] > range[1]) to--;
    from = Math.max(0, from - 1);
    to = Math.min(xs.length, to + 1);
  }
  const list = [];
  if (to - from <= most) {
    for (let i = from; i < to; i++) list.push(i);
    return list;
  }
  const stretch = (to - from) / (most / 2);
  for (let a = from; a < to; a += stretch) {
    const first = Math.floor(a), end = Math.min(to, Math.floor(a + stretch));
    let low = first, high = first;
    for (let i = first; i < end; i++) {
      if (ys[i] < ys[low] || Number.isNaN(ys[low])) low = i;
      if (ys[i] > ys[high] || Number.isNaN(ys[high])) high = i;
    }
    if (low === high) list.push(low); else list.push(Math.min(low, high), Math.max(low, high));
  }
  return list;
}

// The smooth line of points that were chosen: the mean of those from one to the next, which is what the eye would see.
function meansOf(smooth, list) {
  return list.map((i, k) => {
    const first = k > 0 ? list[k - 1] + 1 : i;
    let sum = 0;
    for (let j = first; j <= i; j++) sum += smooth[j];
    return first < i && Number.isFinite(sum) ? sum / (i - first + 1) : smooth[i];
  });
}

// Rows of [x, raw 1, raw 2, ..., smooth 1, smooth 2, ...]: what is faint is drawn first, below all smooth lines. Where
// a run has no point at x there is null.
function rows(series, range, most) {
  const byX = new Map(), n = series.length;
  series.forEach((s, column) => {
    const list = chosen(s.xs, s.raw, range, most), lines = s.weight > 0 ? meansOf(s.smooth, list) : null;
    list.forEach((i, k) => {
      if (!Number.isFinite(s.xs[i])) return;
      let row = byX.get(s.xs[i]);
      if (!row) {
        row = new Array(1 + 2 * n).fill(null);
        row[0] = s.xs[i];
        byX.set(s.xs[i], row);
      }
      const v = s.raw[i], w = lines ? lines[k] : s.smooth[i];
      row[1 + column] = state.log && !(v > 0) ? null : Number.isFinite(v) ? v : NaN;
      row[1 + n + column] = state.log && !(w > 0) ? null : w;
    });
  });
  const list = [...byX.values()].sort((a, b) => a[0] - b[0]);
  if (state.x === "wall") for (const row of list) row[0] = new Date(row[0]);
  return list;
}

const COMPACT = new Intl.NumberFormat("en", {notation: "compact", maximumFractionDigits: 2});
function stepLabel(v) {
  if (!Number.isInteger(v)) return ""; // there is no half step
  return Math.abs(v) < 1e15 ? COMPACT.format(v).toLowerCase() : v.toExponential(1);
}

function faint(hex) { return hex + "38"; }

const onPaper = () => document.documentElement.classList.contains("paper");
// Chromium prints the strokes of a canvas anew and loses most of those that are clipped: a copy has only pixels.
function flatten(canvas) {
  const copy = make("canvas", {width: canvas.width, height: canvas.height});
  copy.style.cssText = canvas.style.cssText;
  copy.getContext("2d").drawImage(canvas, 0, 0);
  canvas.replaceWith(copy);
}

// One chart. Its lines are parts: {run, color, name} with the points of a tag in a run; `group` and `role` (value,
// lower, upper) join three of them to a line with a margin.
class ScalarCard {
  constructor(tag, parts) {
    this.tag = tag;
    this.parts = parts;
    this.plot = make("div", {class: "plot"});
    this.legend = make("div", {class: "values"});
    this.element = make("div", {class: "card"}, heading(tag), this.plot, this.legend);
    expander(this.element, () => this.draw());
    later(this.element, () => { this.built = true; return this.draw(); });
  }
  // Waits for points that are not unpacked yet, and only then: a page that is about to be printed waits for nobody.
  async draw() {
    if (!this.built) return;
    const turn = this.turn = (this.turn || 0) + 1;
    for (const part of this.shown()) if (!part.of.points) await unpack(part.of);
    if (turn === this.turn) this.drawNow(); // else it was drawn anew meanwhile
  }
  shown() { return this.parts.filter(p => state.shown.has(p.run)); }
  drawNow() {
    const parts = this.shown();
    this.series = parts.map(part => {
      const points = part.of.points, weight = part.role ? 0 : state.smooth;
      return {...part, raw: points.values, xs: xValues(points), weight, smooth: smoothed(points.values, weight),
        points};
    });
    if (this.graph) this.graph.destroy();
    this.graph = null;
    this.plot.replaceChildren();
    this.plain();
    if (parts.length === 0) return;
    const list = rows(this.series, null, this.most());
    const drawable = !state.log || list.some(row => row.some((v, i) => i > 0 && v > 0));
    if (list.length > 0 && drawable) this.graph = new Dygraph(this.plot, list, this.options());
    else this.plot.append(make("p", {class: "empty"}, list.length > 0 ? "nothing above 0" : "no point has a time"));
    document.documentElement.dataset.drawn ||= String(Math.round(performance.now())); // ms, of the first chart
    if (onPaper()) this.plot.querySelectorAll("canvas").forEach(flatten);
  }
  // Two points for each column of the screen look like all of them.
  most() { return 2 * Math.max(300, this.plot.clientWidth); }
  options() {
    const raws = [], lines = [], rawColors = [], lineColors = [], series = {};
    this.series.forEach((s, i) => {
      const bound = s.role === "lower" || s.role === "upper", single = s.raw.length === 1;
      raws.push(`raw ${i}`);
      lines.push(`line ${i}`);
      rawColors.push(faint(s.color));
      lineColors.push(bound ? faint(s.color) : s.color);
      series[`raw ${i}`] = {strokeWidth: s.weight > 0 ? 1 : 0, drawPoints: single, pointSize: 3,
        highlightCircleSize: 0};
      series[`line ${i}`] = {strokeWidth: bound ? 1 : 1.8, drawPoints: single, pointSize: 3};
    });
    return {labels: ["x", ...raws, ...lines], colors: [...rawColors, ...lineColors], series, logscale: state.log,
      connectSeparatedPoints: true, legend: "never", pixelRatio: onPaper() ? 3 : null, xRangePad: 3,
      gridLineColor: css("--line"), axisLineColor: css("--line"), gridLineWidth: 0.6,
      axes: {y: {axisLabelWidth: 52, axisLabelFormatter: v => short(v)},
        x: state.x === "step" ? {pixelsPerLabel: 45, axisLabelFormatter: stepLabel}
          : {pixelsPerLabel: state.x === "wall" ? 80 : 45}},
      underlayCallback: (g, area, graph) => this.shade(g, graph),
      highlightCallback: (event, x) => this.highlight(x), unhighlightCallback: () => this.plain(),
      zoomCallback: (low, high) => this.zoom(low, high)};
  }
  // The ground between the lower and upper line of a margin.
  shade(g, graph) {
    for (const upper of this.series.filter(s => s.role === "upper")) {
      const lower = this.series.find(s => s.role === "lower" && s.group === upper.group && s.run === upper.run);
      if (!lower) continue;
      const drawn = v => Number.isFinite(v) && (!state.log || v > 0);
      const path = s => chosen(s.xs, s.raw, null, this.most()).filter(i => drawn(s.raw[i]))
        .map(i => [graph.toDomXCoord(s.xs[i]), graph.toDomYCoord(s.raw[i])]);
      g.beginPath();
      for (const [x, y] of [...path(upper), ...path(lower).reverse()]) g.lineTo(x, y);
      g.fillStyle = upper.color + "22";
      g.fill();
    }
  }
  zoom(low, high) {
    if (this.series.every(s => s.xs.length <= this.most())) return;
    this.graph.updateOptions({file: rows(this.series, this.graph.isZoomed("x") ? [low, high] : null, this.most())});
  }
  // Under the chart: each run's value at the pointer, else its last one.
  tell(index) {
    const smooth = this.series.some(s => s.weight > 0), lines = [];
    for (const s of this.series) {
      const i = index(s);
      if (i < 0 || s.raw.length === 0) continue;
      const [steps, times] = [s.points.steps, s.points.times];
      const cells = [short(s.raw[i]), String(steps[i]), duration(times[i] - times[0])];
      if (smooth) cells.splice(1, 0, s.weight > 0 ? short(s.smooth[i]) : "");
      lines.push([s.color, s.name, cells, time(times[i])]);
    }
    const head = ["", "value", "step", "after"];
    if (smooth) head.splice(2, 0, "smoothed");
    this.legend.replaceChildren(legendTable(head, lines));
  }
  plain() { this.tell(s => s.raw.length - 1); }
  highlight(x) {
    this.tell(s => {
      let low = 0, high = s.xs.length - 1;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (s.xs[middle] < x) low = middle + 1; else high = middle;
      }
      return low > 0 && x - s.xs[low - 1] < s.xs[low] - x ? low - 1 : low;
    });
  }
}

// Unpacks what was not looked at yet while nothing else is to be done.
async function unpackAll() {
  const idle = window.requestIdleCallback || (f => setTimeout(f, 20));
  for (const scalar of data.scalars) for (const part of scalar.parts) {
    if (part.points) continue;
    await new Promise(done => { idle(done); });
    await unpack(part);
  }
  document.documentElement.dataset.unpacked = "";
}

// All runs of a tag, in the colours of the runs.
function scalarCard(scalar) {
  const name = run => data.runs.length > 1 ? runName(run) : "";
  return new ScalarCard(scalar.tag,
    scalar.parts.map(p => ({run: p.run, of: p, color: color(p.run), name: name(p.run)})));
}

// A chart of a layout: several tags, each line in a colour of its own.
function layoutCard(chart) {
  const byTag = new Map(data.scalars.map(s => [s.tag, s.parts])), parts = [];
  let count = 0;
  const add = (tag, more) => {
    for (const p of byTag.get(tag) || []) {
      const key = more.group === undefined ? count++ : more.group * data.runs.length + p.run;
      const name = data.runs.length > 1 ? `${runName(p.run)} · ${tag}` : tag;
      parts.push({run: p.run, of: p, color: color(key), name, ...more});
    }
  };
  for (const tag of chart.lines) add(tag, {});
  const roles = ["value", "lower", "upper"];
  chart.margins.forEach((tags, group) => roles.forEach((role, i) => add(tags[i], {group, role})));
  return new ScalarCard(chart.tag, parts);
}
