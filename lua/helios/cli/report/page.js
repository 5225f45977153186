// page.js - the report's behaviour. Text of runs reaches the page as text nodes only, never as markup; the page's
// policy (Content-Security-Policy) runs no script but this one and fetches nothing.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const COLORS = ["#2f7ed8", "#e8590c", "#2f9e44", "#c2255c", "#7048e8", "#e0a800", "#0c8599", "#9c5b2e", "#74b816",
    "#868e96"];
  const state = {shown: new Set(data.runs.map((_, i) => i)), smooth: 0.6, log: false, x: "step", filter: ""};

  // ---- small tools ------------------------------------------------------------------------------------------------

  function make(name, attributes, ...children) {
    const e = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (key === "class") e.className = value;
      else if (key.startsWith("on")) e.addEventListener(key.slice(2), value);
      else if (value !== undefined && value !== false) e.setAttribute(key, value === true ? "" : value);
    }
    e.append(...children);
    return e;
  }
  function svg(name, attributes, ...children) {
    const e = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes || {})) e.setAttribute(key, value);
    e.append(...children);
    return e;
  }
  const color = run => COLORS[run % COLORS.length];
  const runName = run => data.runs[run];
  const blob = id => document.getElementById(id).textContent;
  const json = id => JSON.parse(blob(id));
  const WORDS = {NaN: NaN, Infinity: Infinity, "-Infinity": -Infinity}; // for which JSON has no numbers
  const unnumber = v => typeof v === "string" && v in WORDS ? WORDS[v] : v;
  const time = t => new Date(t * 1000).toLocaleString();
  const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  function short(v) {
    if (typeof v !== "number") return String(v);
    if (Number.isInteger(v) && Math.abs(v) < 1e9) return String(v);
    return String(Number(v.toPrecision(5)));
  }

  const clip = (s, most) => s.length > most ? s.slice(0, most - 1) + "…" : s;

  // Cards are filled when they come near the window, or all of them for printing.
  const waiting = new Map();
  const observer = new IntersectionObserver(entries => {
    for (const entry of entries) if (entry.isIntersecting) fill(entry.target);
  }, {rootMargin: "300px"});
  function fill(card) {
    const build = waiting.get(card);
    waiting.delete(card);
    observer.unobserve(card);
    return build && build();
  }
  function later(card, build) {
    waiting.set(card, build);
    observer.observe(card);
  }

  function slider(count, label, show) {
    const output = make("output");
    const input = make("input",
      {type: "range", min: 0, max: count - 1, value: count - 1, step: 1, "aria-label": label});
    const update = () => { output.textContent = show(Number(input.value)); };
    input.addEventListener("input", update);
    input.hidden = count < 2;
    const box = make("div", {class: "caption"}, input, output);
    return {box, update};
  }
  const stepText = item => `step ${item.step}  ·  ${time(item.time)}`;

  function heading(tag, run) {
    const h = make("h2", {}, tag === "" ? "(no tag)" : tag);
    if (run !== undefined && data.runs.length > 1) h.append(" ", make("span", {class: "run"}, runName(run)));
    return h;
  }

  // ---- scalars ----------------------------------------------------------------------------------------------------

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

  function xValues(points) {
    if (state.x === "step") return points.steps;
    if (state.x === "wall") return points.times.map(t => t * 1000);
    const first = points.times[0];
    return points.times.map(t => (t - first) / 3600);
  }

  // Which points to draw: all, or the lowest and highest of each stretch when there are too many to see.
  function chosen(xs, ys, range) {
    let from = 0, to = xs.length;
    if (range) {
      while (from < to && xs[from] < range[0]) from++;
      while (to > from && xs[to - 1] > range[1]) to--;
      from = Math.max(0, from - 1);
      to = Math.min(xs.length, to + 1);
    }
    const most = 4000, list = [];
    if (to - from <= most) {
      for (let i = from; i < to; i++) list.push(i);
      return list;
    }
    const stretch = (to - from) / (most / 2);
    for (let a = from; a < to; a += stretch) {
      let low = -1, high = -1;
      for (let i = Math.floor(a); i < Math.min(to, a + stretch); i++) {
        if (low < 0 || ys[i] < ys[low]) low = i;
        if (high < 0 || ys[i] > ys[high]) high = i;
      }
      if (low === high) list.push(low); else list.push(Math.min(low, high), Math.max(low, high));
    }
    return list;
  }

  // Rows of [x, raw 1, smooth 1, raw 2, ...]: where a run has no point at x there is null.
  function rows(series, range) {
    const byX = new Map();
    series.forEach((s, column) => {
      for (const i of chosen(s.xs, s.raw, range)) {
        let row = byX.get(s.xs[i]);
        if (!row) {
          row = new Array(1 + 2 * series.length).fill(null);
          row[0] = s.xs[i];
          byX.set(s.xs[i], row);
        }
        const v = s.raw[i], w = s.smooth[i];
        row[1 + 2 * column] = state.log && !(v > 0) ? null : Number.isFinite(v) ? v : NaN;
        row[2 + 2 * column] = state.log && !(w > 0) ? null : w;
      }
    });
    const list = [...byX.values()].sort((a, b) => a[0] - b[0]);
    if (state.x === "wall") for (const row of list) row[0] = new Date(row[0]);
    return list;
  }

  function faint(hex) { return hex + "44"; }

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
      this.legend = make("div", {class: "legend"});
      this.element = make("div", {class: "card"}, heading(tag), this.plot, this.legend);
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
      const list = rows(this.series, null);
      if (list.length > 0) this.graph = new Dygraph(this.plot, list, this.options());
      if (onPaper()) this.plot.querySelectorAll("canvas").forEach(flatten);
    }
    options() {
      const labels = ["x"], colors = [], series = {};
      this.series.forEach((s, i) => {
        const names = [`raw ${i}`, `line ${i}`], bound = s.role === "lower" || s.role === "upper";
        labels.push(...names);
        colors.push(faint(s.color), bound ? faint(s.color) : s.color);
        series[names[0]] = {strokeWidth: s.weight > 0 ? 1 : 0, drawPoints: s.raw.length === 1, pointSize: 3,
          highlightCircleSize: 0};
        series[names[1]] = {strokeWidth: bound ? 1 : 1.8, drawPoints: s.raw.length === 1, pointSize: 3};
      });
      return {labels, colors, series, logscale: state.log, connectSeparatedPoints: true, legend: "never",
        pixelRatio: onPaper() ? 3 : null, labelsKMB: state.x === "step",
        gridLineColor: css("--line"), axisLineColor: css("--line"), gridLineWidth: 0.6,
        axes: {y: {axisLabelWidth: 52, axisLabelFormatter: v => short(v)}, x: {pixelsPerLabel: 70}},
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
        const path = s => chosen(s.xs, s.raw, null).filter(i => drawn(s.raw[i]))
          .map(i => [graph.toDomXCoord(s.xs[i]), graph.toDomYCoord(s.raw[i])]);
        g.beginPath();
        for (const [x, y] of [...path(upper), ...path(lower).reverse()]) g.lineTo(x, y);
        g.fillStyle = upper.color + "22";
        g.fill();
      }
    }
    zoom(low, high) {
      if (this.series.every(s => s.xs.length <= 4000)) return;
      this.graph.updateOptions({file: rows(this.series, this.graph.isZoomed("x") ? [low, high] : null)});
    }
    // Under the chart: each run's value at the pointer, else its last one.
    tell(index) {
      this.legend.replaceChildren();
      for (const s of this.series) {
        const i = index(s);
        if (i < 0 || s.raw.length === 0) continue;
        const extra = s.weight > 0 ? ` (smoothed ${short(s.smooth[i])})` : "";
        this.legend.append(this.mark(s.color), ` ${s.name} `, make("b", {}, short(s.raw[i])),
          `${extra} · step ${s.points.steps[i]} · ${time(s.points.times[i])}`, make("br"));
      }
    }
    mark(of) {
      const m = make("span", {class: "swatch"});
      m.style.cssText = `display:inline-block;width:9px;height:9px;border-radius:2px;background:${of}`;
      return m;
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

  // ---- media and text ---------------------------------------------------------------------------------------------

  // A GIF plays by itself. Where the browser can take it apart it can be stopped and looked at frame by frame.
  class Film {
    constructor(image) {
      this.image = image;
      this.still = make("canvas", {class: "picture small", hidden: true});
      this.button = make("button", {class: "tool", onclick: () => this.stop(this.still.hidden)});
      this.frame = make("input", {type: "range", min: 0, step: 1, value: 0, "aria-label": "frame",
        oninput: () => this.stop(true)});
      this.place = make("output");
      this.box = make("div", {class: "caption", hidden: true}, this.button, this.frame, this.place);
    }
    // Called for each step; `item` is its media.
    async show(item) {
      this.box.hidden = item.mime !== "image/gif" || !window.ImageDecoder;
      this.play();
      if (this.box.hidden) return;
      const bytes = Uint8Array.from(atob(blob(item.blob)), c => c.charCodeAt(0));
      const decoder = this.decoder = new ImageDecoder({data: bytes, type: item.mime});
      await Promise.all([decoder.tracks.ready, decoder.completed]).catch(() => {});
      if (decoder !== this.decoder || !decoder.tracks.selectedTrack) return;
      this.frame.max = decoder.tracks.selectedTrack.frameCount - 1;
      this.frame.value = 0;
    }
    play() {
      this.image.hidden = false;
      this.still.hidden = true;
      this.button.textContent = "stop";
      this.place.textContent = "";
    }
    async stop(stopped) {
      if (!stopped) return this.play();
      const index = Number(this.frame.value), decoder = this.decoder;
      const decoded = await decoder.decode({frameIndex: index}).catch(() => null);
      if (!decoded || decoder !== this.decoder || index !== Number(this.frame.value)) return undefined;
      this.still.width = decoded.image.displayWidth;
      this.still.height = decoded.image.displayHeight;
      this.still.getContext("2d").drawImage(decoded.image, 0, 0);
      decoded.image.close();
      this.image.hidden = true;
      this.still.hidden = false;
      this.button.textContent = "play";
      this.place.textContent = `frame ${index + 1} of ${Number(this.frame.max) + 1}`;
      return undefined;
    }
  }

  function imageCard(entry) {
    const image = make("img", {class: "picture", alt: `${entry.tag} of ${runName(entry.run)}`});
    const film = new Film(image);
    const control = slider(entry.items.length, "step", i => {
      const item = entry.items[i];
      image.src = `data:${item.mime};base64,${blob(item.blob)}`;
      image.classList.toggle("small", item.width > 0 && item.width < 200);
      film.show(item);
      return `${stepText(item)}  ·  ${item.width} × ${item.height}${item.mime === "image/gif" ? "  ·  GIF" : ""}`;
    });
    const card = make("div", {class: "card"}, heading(entry.tag, entry.run), image, film.still, control.box, film.box);
    later(card, control.update);
    return card;
  }

  function audioCard(entry) {
    const player = make("audio", {controls: true, preload: "metadata"});
    const control = slider(entry.items.length, "step", i => {
      const item = entry.items[i];
      player.src = `data:${item.mime};base64,${blob(item.blob)}`;
      return stepText(item);
    });
    const card = make("div", {class: "card"}, heading(entry.tag, entry.run), player, control.box);
    later(card, control.update);
    return card;
  }

  // Markdown as elements made one by one: what is no known form stays text. Pictures are named, never fetched.
  const INLINE = new RegExp([
    /(`+)([\s\S]*?[^`])\1(?!`)/, // 1, 2: code
    /!\[([^\]]*)\]\(([^)\s]*)[^)]*\)/, // 3, 4: a picture
    /\[([^\]]+)\]\(([^)\s]+)[^)]*\)/, // 5, 6: a link
    /(\*\*|__)(?=\S)([\s\S]*?\S)\7/, // 7, 8: strong
    /([*_])(?=\S)([\s\S]*?\S)\9/, // 9, 10: emphasis
    /~~(?=\S)([\s\S]*?\S)~~/, // 11: struck out
  ].map(r => r.source).join("|"));
  const LONGEST_INLINE = 20000; // beyond it text stays plain: looking for ends of marks takes quadratic time
  const TABLE_RULE = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;
  function inline(parent, s, depth) {
    let m;
    while (s !== "" && depth < 8 && s.length <= LONGEST_INLINE && (m = INLINE.exec(s))) {
      parent.append(s.slice(0, m.index));
      if (m[1]) parent.append(make("code", {}, m[2]));
      else if (m[3] !== undefined) parent.append(make("em", {}, `[picture: ${m[3] || m[4]}]`));
      else if (m[5] !== undefined) parent.append(link(m[5], m[6], depth));
      else parent.append(nested(m[8] !== undefined ? "strong" : m[10] !== undefined ? "em" : "del",
        m[8] ?? m[10] ?? m[11], depth));
      s = s.slice(m.index + m[0].length);
    }
    parent.append(s);
  }
  function nested(name, s, depth) {
    const e = make(name);
    inline(e, s, depth + 1);
    return e;
  }
  function link(label, target, depth) {
    if (!/^(https?:\/\/|mailto:)/i.test(target)) return nested("span", `${label} (${target})`, depth);
    const a = nested("a", label, depth);
    a.href = target;
    a.rel = "noopener noreferrer";
    a.target = "_blank";
    return a;
  }
  const cells = row => row.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map(c => c.trim().replace(/\\\|/g, "|"));
  function tableOf(head, body) {
    const row = (name, list) => make("tr", {}, ...list.map(c => nested(name, c, 0)));
    return make("div", {class: "scroll"}, make("table", {}, row("th", head), ...body.map(r => row("td", r))));
  }
  function markdown(text) {
    const out = make("div", {class: "markdown"});
    const lines = text.split(/\r?\n/);
    for (let i = 0; i < lines.length;) {
      const s = lines[i];
      let m;
      if (/^\s*$/.test(s)) i++;
      else if ((m = /^(```+|~~~+)/.exec(s))) {
        const code = [];
        for (i++; i < lines.length && !lines[i].startsWith(m[1]); i++) code.push(lines[i]);
        i++;
        out.append(make("pre", {}, make("code", {}, code.join("\n"))));
      } else if (/^( {4}|\t)/.test(s)) {
        const code = [];
        for (; i < lines.length && /^( {4}|\t)/.test(lines[i]); i++) code.push(lines[i].replace(/^( {4}|\t)/, ""));
        out.append(make("pre", {}, make("code", {}, code.join("\n"))));
      } else if ((m = /^(#{1,6})\s+(.*?)\s*#*\s*$/.exec(s))) {
        out.append(nested("h" + Math.min(6, m[1].length + 2), m[2], 0));
        i++;
      } else if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(s)) {
        out.append(make("hr"));
        i++;
      } else if (s.includes("|") && (lines[i + 1] || "").length < 1000 && TABLE_RULE.test(lines[i + 1] || "")) {
        const body = [];
        const head = cells(s);
        for (i += 2; i < lines.length && lines[i].includes("|"); i++) body.push(cells(lines[i]));
        out.append(tableOf(head, body));
      } else if (/^\s*>/.test(s)) {
        const quote = [];
        for (; i < lines.length && /^\s*>/.test(lines[i]); i++) quote.push(lines[i].replace(/^\s*>\s?/, ""));
        out.append(nested("blockquote", quote.join("\n"), 0));
      } else if ((m = /^\s*([-*+]|\d+[.)])\s+/.exec(s))) {
        const list = make(/\d/.test(m[1]) ? "ol" : "ul");
        for (; i < lines.length && (m = /^\s*([-*+]|\d+[.)])\s+(.*)$/.exec(lines[i])); i++)
          list.append(nested("li", m[2], 0));
        out.append(list);
      } else {
        const words = [];
        for (; i < lines.length && !/^\s*$|^#{1,6}\s|^```|^~~~|^\s*>/.test(lines[i]); i++) words.push(lines[i]);
        out.append(nested("p", words.join("\n"), 0));
      }
    }
    return out;
  }

  function textCard(entry) {
    const body = make("div");
    const control = slider(entry.items.length, "step", i => {
      const item = entry.items[i], content = json(item.blob);
      const rows_ = content.rows;
      body.replaceChildren(rows_ ? tableOf(rows_[0] || [], rows_.slice(1)) : markdown(content.text));
      return stepText(item);
    });
    const card = make("div", {class: "card"}, heading(entry.tag, entry.run), body, control.box);
    later(card, control.update);
    return card;
  }

  // ---- histograms -------------------------------------------------------------------------------------------------

  function canvasOf(height) {
    const canvas = make("canvas");
    canvas.style.height = height + "px";
    const prepare = () => {
      const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth || 360;
      canvas.width = width * ratio;
      canvas.height = height * ratio;
      const g = canvas.getContext("2d");
      g.setTransform(ratio, 0, 0, ratio, 0, 0);
      g.clearRect(0, 0, width, height);
      g.font = "11px system-ui, sans-serif";
      g.fillStyle = css("--dim");
      return [g, width];
    };
    return {canvas, prepare};
  }

  // Counts spread over equal bins between low and high, as far as each bucket overlaps them.
  function resample(buckets, low, high, bins) {
    const out = new Float64Array(bins), size = (high - low) / bins || 1;
    for (const [left, right, count] of buckets) {
      if (count === 0) continue;
      const a = (left - low) / size, b = (right - low) / size;
      if (!(b > a)) { out[Math.min(bins - 1, Math.max(0, Math.floor(a)))] += count; continue; }
      for (let i = Math.max(0, Math.floor(a)); i < Math.min(bins, Math.ceil(b)); i++)
        out[i] += count * (Math.min(b, i + 1) - Math.max(a, i)) / (b - a);
    }
    return out;
  }

  function histogramCard(entry) {
    const ridge = canvasOf(220), bars = canvasOf(120), bins = 60;
    const bucketsOf = item => json(item.blob).map(b => b.map(unnumber))
      .filter(b => Number.isFinite(b[0]) && Number.isFinite(b[1]));
    const some = () => {
      const n = Math.min(40, entry.items.length), list = [];
      const last = entry.items.length - 1;
      for (let i = 0; i < n; i++) list.push(entry.items[n === 1 ? 0 : Math.round(i * last / (n - 1))]);
      return list;
    };
    let low = Infinity, high = -Infinity, ridges = [];
    const measure = buckets => {
      for (const [left, right, count] of buckets) {
        if (count > 0) { low = Math.min(low, left); high = Math.max(high, right); }
      }
    };
    const drawRidges = () => {
      const [g, width] = ridge.prepare();
      const top = Math.max(...ridges.map(r => Math.max(...r.counts)), 1e-300), n = ridges.length;
      ridges.forEach((r, k) => {
        const base = 60 + (n === 1 ? 135 : 135 * k / (n - 1)), inset = 30 * (1 - (n === 1 ? 1 : k / (n - 1)));
        const x = i => 6 + inset / 2 + (width - 50 - inset) * i / bins;
        g.beginPath();
        g.moveTo(x(0), base);
        for (let i = 0; i < bins; i++) g.lineTo(x(i + 0.5), base - 55 * r.counts[i] / top);
        g.lineTo(x(bins), base);
        g.fillStyle = color(entry.run) + "cc";
        g.strokeStyle = css("--card");
        g.fill();
        g.stroke();
        g.fillStyle = css("--dim");
        if (k === 0 || k === n - 1) g.fillText(String(r.step), width - 40, base);
      });
      g.fillText(short(low), 6, 214);
      g.fillText(short(high), width - 90, 214);
    };
    const control = slider(entry.items.length, "step", i => {
      const item = entry.items[i], buckets = bucketsOf(item), [g, width] = bars.prepare();
      const counts = resample(buckets, low, high, bins), top = Math.max(...counts, 1e-300);
      g.fillStyle = color(entry.run);
      const bar = (width - 12) / bins;
      counts.forEach((c, k) => g.fillRect(6 + bar * k, 116 - 110 * c / top, bar - 1, 110 * c / top));
      const [num, least, most] = [item.num, item.min, item.max].map(v => short(unnumber(v)));
      return `${stepText(item)}  ·  ${num} values, ${least} to ${most}`;
    });
    const card = make("div", {class: "card"}, heading(entry.tag, entry.run), ridge.canvas, bars.canvas, control.box);
    const draw = () => {
      const items = some().map(item => ({step: item.step, buckets: bucketsOf(item)}));
      items.forEach(r => measure(r.buckets));
      if (!(high > low)) { low -= 0.5; high = low + 1; }
      ridges = items.map(r => ({step: r.step, counts: resample(r.buckets, low, high, bins)}));
      drawRidges();
      control.update();
    };
    later(card, draw);
    redraws.push(() => { if (!waiting.has(card)) { drawRidges(); control.update(); } });
    return card;
  }
  const redraws = [];

  // ---- PR curves --------------------------------------------------------------------------------------------------

  function prCard(entry) {
    const box = canvasOf(300);
    const all = entry.parts.flatMap(p => p.items);
    const steps = [...new Set(all.map(i => i.step))].sort((a, b) => a - b);
    const note = make("div", {class: "legend"});
    let step = steps.length - 1, threshold = 0.5;
    const at = part => part.items.filter(i => i.step <= steps[step]).pop();
    const draw = () => {
      const [g, width] = box.prepare(), x = r => 40 + (width - 60) * r, y = p => 270 - 250 * p;
      g.strokeStyle = css("--line");
      g.strokeRect(x(0), y(1), x(1) - x(0), y(0) - y(1));
      g.fillText("recall", x(0.5) - 15, 294);
      for (const v of [0, 0.5, 1]) { g.fillText(String(v), 18, y(v) + 4); g.fillText(String(v), x(v) - 4, 284); }
      note.replaceChildren();
      for (const part of entry.parts) {
        const item = state.shown.has(part.run) && at(part);
        if (!item) continue;
        const rows_ = json(item.blob).map(r => r.map(unnumber)), n = rows_[0].length;
        g.strokeStyle = g.fillStyle = color(part.run);
        g.lineWidth = 2;
        g.beginPath();
        for (let k = 0; k < n; k++) g[k ? "lineTo" : "moveTo"](x(rows_[5][k]), y(rows_[4][k]));
        g.stroke();
        const k = Math.min(n - 1, Math.round(threshold * (n - 1)));
        g.beginPath();
        g.arc(x(rows_[5][k]), y(rows_[4][k]), 5, 0, 7);
        g.fill();
        const [tp, fp, tn, fn, precision, recall] = rows_.map(r => short(r[k]));
        note.append(make("b", {}, runName(part.run)), ` precision ${precision}, recall ${recall}`
          + ` · TP ${tp} FP ${fp} TN ${tn} FN ${fn} · step ${item.step}`, make("br"));
      }
    };
    const stepControl = slider(steps.length, "step", i => { step = i; draw(); return `step ${steps[i]}`; });
    const thresholdControl = slider(1001, "threshold", i => {
      threshold = i / 1000;
      draw();
      return `threshold ${threshold.toFixed(3)}`;
    });
    thresholdControl.box.querySelector("input").value = 500;
    const card = make("div", {class: "card"}, heading(entry.tag), box.canvas, note, thresholdControl.box,
      stepControl.box);
    later(card, () => { stepControl.update(); thresholdControl.update(); });
    redraws.push(() => { if (!waiting.has(card)) draw(); });
    return card;
  }

  // ---- hyper-parameters --------------------------------------------------------------------------------------------

  function hparamsSection(h) {
    const names = [...h.names.map(n => ({name: n, of: "values"})), ...h.metrics.map(n => ({name: n, of: "metrics"}))];
    const value = (row, c) => unnumber(row[c.of][c.name]);
    let sorted = -1, upward = true;
    const table = make("table");
    const draw = () => {
      const list = [...h.rows];
      if (sorted >= 0) list.sort((a, b) => {
        const p = value(a, names[sorted]), q = value(b, names[sorted]);
        const numbers = typeof p === "number" && typeof q === "number";
        const order = numbers ? p - q : String(p ?? "").localeCompare(String(q ?? ""));
        return upward ? order : -order;
      });
      const head = names.map((c, i) => make("th", {class: "sort", onclick: () => {
        upward = sorted === i ? !upward : true;
        sorted = i;
        draw();
      }}, (c.of === "metrics" ? "metric: " : "") + c.name + (sorted === i ? (upward ? " ▲" : " ▼") : "")));
      table.replaceChildren(make("tr", {}, make("th", {}, "run"), ...head), ...list.map(row => make("tr", {},
        make("td", {}, runName(row.run)), ...names.map(c => {
          const v = value(row, c);
          return make("td", {class: typeof v === "number" ? "number" : ""}, v === undefined ? "" : short(v));
        }))));
    };
    draw();
    const cards = [make("div", {class: "card wide"}, make("div", {class: "scroll"}, table))];
    if (names.length > 1 && h.rows.length > 0) cards.push(parallel(h.rows, names, value));
    return cards;
  }

  function parallel(rowsOf, names, value) {
    const width = Math.max(480, 130 * names.length), height = 300, x = i => 60 + (width - 120) * i / (names.length - 1);
    const scales = names.map(c => {
      const list = rowsOf.map(r => value(r, c)).filter(v => v !== undefined);
      if (list.every(v => typeof v === "number")) {
        const finite = list.filter(Number.isFinite), low = Math.min(...finite), high = Math.max(...finite);
        return {at: v => high > low ? (v - low) / (high - low) : 0.5, marks: high > low ? [low, high] : [low]};
      }
      const kinds = [...new Set(list.map(String))].sort();
      return {at: v => kinds.length > 1 ? kinds.indexOf(String(v)) / (kinds.length - 1) : 0.5, marks: kinds};
    });
    const y = u => 260 - 210 * u;
    const drawing = svg("svg", {viewBox: `0 0 ${width} ${height}`, width, height});
    rowsOf.forEach(row => {
      const points = names.map((c, i) => [i, value(row, c)]).filter(p => p[1] !== undefined && !Number.isNaN(p[1]))
        .map(([i, v]) => `${x(i)},${y(scales[i].at(v))}`).join(" ");
      const title = svg("title", {}, runName(row.run));
      drawing.append(svg("polyline", {points, fill: "none", stroke: color(row.run), "stroke-width": 2.5}, title));
    });
    names.forEach((c, i) => {
      drawing.append(svg("line", {class: "axis", x1: x(i), x2: x(i), y1: y(0), y2: y(1)}),
        svg("text", {x: x(i), y: 20, "text-anchor": "middle"}, clip(c.name, 20)));
      for (const mark of scales[i].marks.slice(0, 8))
        drawing.append(svg("text", {x: x(i) + 5, y: y(scales[i].at(mark)) + (scales[i].at(mark) > 0.5 ? -4 : 14)},
          clip(short(mark), 18)));
    });
    return make("div", {class: "card wide"}, make("h2", {}, "Parallel coordinates"),
      make("div", {class: "scroll"}, drawing));
  }

  // ---- graphs -----------------------------------------------------------------------------------------------------

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

  function drawGraph(nodes, depth, chooseNode) {
    const [list, all] = groups(nodes, depth), byRank = new Map(), W = 170, H = 34;
    for (const g of list) byRank.set(g.rank, [...(byRank.get(g.rank) || []), g]);
    let widest = 1, line = 0;
    for (const rank of [...byRank.keys()].sort((a, b) => a - b)) {
      const row = byRank.get(rank);
      row.forEach((g, i) => { g.x = 20 + i * (W + 20); g.y = 20 + line * (H + 36); });
      widest = Math.max(widest, row.length);
      line++;
    }
    const width = 40 + widest * (W + 20), height = 40 + line * (H + 36);
    const drawing = svg("svg", {viewBox: `0 0 ${width} ${height}`, width, height});
    for (const g of list) for (const input of g.inputs) {
      const from = all.get(input), x0 = from.x + W / 2, y0 = from.y + H, x1 = g.x + W / 2, y1 = g.y;
      drawing.append(svg("path", {class: "edge", d: `M${x0},${y0} C${x0},${y0 + 25} ${x1},${y1 - 25} ${x1},${y1}`}));
    }
    for (const g of list) {
      const label = clip(g.key.split("/").pop() || g.key, 24), many = g.nodes.length > 1 ? ` (${g.nodes.length})` : "";
      const e = svg("g", {class: "node"}, svg("rect", {x: g.x, y: g.y, width: W, height: H, rx: 7}),
        svg("text", {x: g.x + W / 2, y: g.y + 21, "text-anchor": "middle"}, label + many),
        svg("title", {}, g.key));
      e.addEventListener("click", () => {
        drawing.querySelectorAll(".chosen").forEach(o => o.classList.remove("chosen"));
        e.classList.add("chosen");
        chooseNode(g);
      });
      drawing.append(e);
    }
    return drawing;
  }

  function graphCard(entry) {
    const nodes = json(entry.blob);
    const deepest = Math.max(1, ...nodes.map(n => n.name.split("/").length));
    const stage = make("div", {class: "scroll"}), about = make("div", {class: "scroll"});
    const tell = g => {
      const row = (a, b) => make("tr", {}, make("th", {}, a), make("td", {}, b));
      about.replaceChildren(make("h2", {}, g.key), make("table", {}, ...g.nodes.slice(0, 30).flatMap(n => [
        row(n.name, n.op + (n.device ? ` on ${n.device}` : "")),
        ...Object.entries(n.attr).map(([k, v]) => row(k, clip(String(v), 500)))])));
    };
    const control = slider(deepest, "depth", i => {
      stage.replaceChildren(drawGraph(nodes, i + 1, tell));
      return `depth ${i + 1} of ${deepest}, ${nodes.length} nodes`;
    });
    let depth = deepest;
    while (depth > 1 && groups(nodes, depth)[0].length > 60) depth--;
    control.box.querySelector("input").value = depth - 1;
    const card = make("div", {class: "card wide"}, heading("Graph", entry.run), control.box, stage, about);
    later(card, control.update);
    return card;
  }

  function otherSection(list) {
    const head = ["run", "kind", "tag", "points", "steps"];
    const body = list.map(o => make("tr", {}, ...[runName(o.run), o.kind, o.tag, o.points, `${o.first}..${o.last}`]
      .map(v => make("td", {}, String(v)))));
    return [make("div", {class: "card wide"}, make("div", {class: "scroll"},
      make("table", {}, make("tr", {}, ...head.map(h => make("th", {}, h))), ...body)))];
  }

  // ---- the page ---------------------------------------------------------------------------------------------------

  const scalarCards = data.scalars.map(scalarCard), layoutCards = data.charts.map(layoutCard);
  const each = (list, card) => list.map(entry => ({element: card(entry), tag: entry.tag ?? "", run: entry.run}));
  const sections = [
    ["Scalars", scalarCards],
    ["Custom scalars", layoutCards],
    ["Images", each(data.images, imageCard)],
    ["Text", each(data.texts, textCard)],
    ["Histograms", each(data.histograms, histogramCard)],
    ["PR curves", each(data.pr_curves, prCard)],
    ["HParams", data.hparams.rows.length ? hparamsSection(data.hparams).map(element => ({element, tag: ""})) : []],
    ["Graphs", each(data.graphs, graphCard)],
    ["Audio", each(data.audio, audioCard)],
    ["Other", data.other.length ? otherSection(data.other).map(element => ({element, tag: ""})) : []],
  ].filter(s => s[1].length > 0);

  const main = document.querySelector("main"), nav = make("nav", {role: "tablist"});
  function choose(name) {
    for (const button of nav.children) button.setAttribute("aria-selected", String(button.dataset.name === name));
    for (const section of main.querySelectorAll("section")) section.hidden = section.dataset.name !== name;
  }
  for (const [name, cards] of sections) {
    const button = make("button", {role: "tab", onclick: () => {
      choose(name);
      history.replaceState(null, "", "#" + anchor(name));
    }}, `${name} `, make("small", {}, String(cards.length)));
    button.dataset.name = name;
    nav.append(button);
    const section = make("section", {}, make("div", {class: "grid"}, ...cards.map(c => c.element)));
    section.dataset.name = name;
    main.append(section);
  }
  if (sections.length === 0) main.append(make("p", {class: "empty"}, "There is nothing in these runs yet."));

  let pending = 0;
  function drawScalars() {
    clearTimeout(pending);
    pending = setTimeout(drawCharts, 30);
  }
  function applyFilter() {
    const words = state.filter.toLowerCase();
    for (const [, cards] of sections) for (const c of cards)
      c.element.hidden = !c.tag.toLowerCase().includes(words) || (c.run !== undefined && !state.shown.has(c.run));
  }
  function redraw() {
    applyFilter();
    drawScalars();
    redraws.forEach(f => f());
  }

  function runsList() {
    return data.runs.map((name, i) => {
      const box = make("input", {type: "checkbox", onchange: e => {
        if (e.target.checked) state.shown.add(i); else state.shown.delete(i);
        redraw();
      }});
      box.checked = true;
      const swatch = make("span", {class: "swatch"});
      swatch.style.background = color(i);
      return make("label", {}, box, swatch, make("span", {class: "name"}, name));
    });
  }
  function controls() {
    const smoothText = make("output", {}, "0.60");
    const smooth = make("input", {type: "range", min: 0, max: 0.99, step: 0.01, value: 0.6, "aria-label": "smoothing",
      oninput: e => {
        state.smooth = Number(e.target.value);
        smoothText.textContent = state.smooth.toFixed(2);
        drawScalars();
      }});
    const axis = make("select", {"aria-label": "x axis", onchange: e => { state.x = e.target.value; drawScalars(); }},
      make("option", {value: "step"}, "step"), make("option", {value: "relative"}, "hours since start"),
      make("option", {value: "wall"}, "time of day"));
    const log = make("input", {type: "checkbox", onchange: e => { state.log = e.target.checked; drawScalars(); }});
    const filter = make("input", {type: "text", placeholder: "part of a tag", "aria-label": "filter tags",
      oninput: e => { state.filter = e.target.value; applyFilter(); }});
    return [make("h3", {}, "Tags"), filter,
      make("h3", {}, "Smoothing"), make("div", {class: "control"}, smooth, smoothText),
      make("h3", {}, "X axis"), axis, make("label", {class: "control"}, log, "log y axis"),
      make("h3", {}, "Runs"), ...runsList(),
      make("p", {class: "empty"}, "Drag over a chart to zoom, double-click to see all.")];
  }

  function setTheme(name) {
    document.documentElement.dataset.theme = name;
    redraw();
  }
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  document.documentElement.dataset.theme = dark.matches ? "dark" : "light";
  const theme = make("button", {class: "tool", onclick: () =>
    setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark")}, "light / dark");

  document.querySelector("header .top").append(nav, theme);
  const panel = document.querySelector("aside details");
  panel.append(...controls());
  panel.open = !window.matchMedia("(max-width: 760px)").matches;
  if (data.notes.length > 0) main.prepend(make("div", {class: "notes"}, ...data.notes.flatMap(n => [n, make("br")])));
  const anchor = name => name.toLowerCase().replace(/ /g, "-");
  const asked = sections.find(s => "#" + anchor(s[0]) === location.hash);
  if (sections.length > 0) choose((asked || sections[0])[0]);
  const chosenName = () => nav.querySelector('[aria-selected="true"]').dataset.name;
  // On paper there are all sections, and charts as wide as its columns.
  const drawCharts = () => [...scalarCards, ...layoutCards].forEach(c => c.draw());
  let before = "";
  window.addEventListener("beforeprint", () => {
    if (sections.length === 0) return;
    before = chosenName();
    for (const section of main.querySelectorAll("section")) section.hidden = false; // or canvases have no width
    document.documentElement.classList.add("paper");
    for (const card of [...waiting.keys()]) fill(card);
    drawCharts();
  });
  window.addEventListener("afterprint", () => {
    document.documentElement.classList.remove("paper");
    if (before) choose(before);
    drawCharts();
  });
  let size = 0;
  window.addEventListener("resize", () => {
    clearTimeout(size);
    size = setTimeout(() => redraws.forEach(f => f()), 150);
  });
  unpackAll();
  document.documentElement.dataset.ready = String(Math.round(performance.now())); // ms since the page was asked for
})();
