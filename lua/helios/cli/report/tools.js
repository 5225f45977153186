// tools.js - what all parts of the report use: the data, elements, colours, sliders, cards that are filled when they
// come near the window. Text of runs reaches the page as text nodes only, never as markup; the page's policy
// (Content-Security-Policy) runs no script but these and fetches nothing.
const data = JSON.parse(document.getElementById("data").textContent);
const COLORS = ["#2f7ed8", "#e8590c", "#2f9e44", "#c2255c", "#7048e8", "#e0a800", "#0c8599", "#9c5b2e", "#74b816",
  "#868e96"];
const state = {shown: new Set(data.runs.map((_, i) => i)), smooth: 0.6, log: false, x: "step", filter: ""};

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
const unnumber = v => typeof v === "string" && Object.hasOwn(WORDS, v) ? WORDS[v] : v;
const time = t => new Date(t * 1000).toLocaleString();
function duration(seconds) {
  for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"]])
    if (Math.abs(seconds) >= 2 * size) return `${short(Number((seconds / size).toFixed(1)))} ${unit}`;
  return Number.isFinite(seconds) ? `${Math.round(seconds)} s` : "";
}
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

// What is to be drawn again when runs are hidden, colours change or the window does.
const redraws = [];
function drawnAgain(card, draw) {
  redraws.push(() => { if (!waiting.has(card)) draw(); });
}

function swatch(of) {
  const e = make("span", {class: "swatch"});
  e.style.background = of;
  return e;
}

// A small table under a chart: a line for each run, its colour in front; `head` names the columns behind it.
function legendTable(head, lines) {
  return make("table", {class: "legend"}, make("thead", {}, make("tr", {}, ...head.map(h => make("th", {}, h)))),
    make("tbody", {}, ...lines.map(([of, name, cells, title]) => make("tr", {title},
      make("td", {}, swatch(of), " ", make("span", {class: "name"}, name)), ...cells.map(c => make("td", {}, c))))));
}

// A button that makes a card as wide as the window, and back.
function expander(card, changed) {
  const button = make("button", {class: "expand", title: "wide or narrow", "aria-label": "wide or narrow",
    onclick: () => {
      card.classList.toggle("wide");
      if (changed) changed();
    }}, "⤢");
  card.prepend(button);
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
