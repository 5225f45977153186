// page.js - the sections, the settings beside them, light and dark, paper.
// A card that cannot be made says so in its place, and takes none of the others with it.
function safely(build, entry) {
  try {
    return build(entry);
  } catch (error) {
    return make("div", {class: "card"}, heading(entry.tag ?? ""), make("p", {class: "empty"}, `Not shown: ${error}`));
  }
}
const scalarCards = data.scalars.map(scalarCard), layoutCards = data.charts.map(layoutCard);
const each = (list, build) =>
  list.map(entry => ({element: safely(build, entry), tag: entry.tag ?? "", run: entry.run}));
const plain = elements => elements.map(element => ({element, tag: ""}));
const sections = [
  {name: "Scalars", cards: scalarCards},
  {name: "Custom scalars", cards: layoutCards},
  {name: "Images", cards: each(data.images, imageCard)},
  {name: "Text", cards: each(data.texts, textCard)},
  {name: "Histograms", cards: each(data.histograms, histogramCard)},
  {name: "PR curves", cards: each(data.pr_curves, prCard)},
  {name: "HParams", cards: data.hparams.rows.length ? plain(hparamsSection(data.hparams)) : [],
    count: data.hparams.rows.length},
  {name: "Graphs", cards: each(data.graphs, graphCard)},
  {name: "Audio", cards: each(data.audio, audioCard)},
  {name: "Other", cards: data.other.length ? plain(otherSection(data.other)) : [], count: data.other.length},
].filter(s => s.cards.length > 0);

// Tags that begin alike up to a slash stand together under a heading that folds them.
const prefix = tag => tag.includes("/") ? tag.slice(0, tag.indexOf("/")) : "";
function groupsOf(cards) {
  const byPrefix = new Map();
  for (const c of cards) byPrefix.set(prefix(c.tag), [...(byPrefix.get(prefix(c.tag)) || []), c]);
  if (byPrefix.size < 2) return [{cards}];
  return [...byPrefix.keys()].sort().map(name => ({name, cards: byPrefix.get(name)}));
}
function groupHeading(group) {
  const button = make("button", {class: "group wide", "aria-expanded": "true", onclick: () => {
    group.folded = !group.folded;
    button.setAttribute("aria-expanded", String(!group.folded));
    applyFilter();
  }}, group.name, " ", make("small", {}, String(group.cards.length)));
  return button;
}
function groupElements(group) {
  group.heading = group.name ? groupHeading(group) : null;
  return [...(group.heading ? [group.heading] : []), ...group.cards.map(c => c.element)];
}

const main = document.querySelector("main"), nav = make("nav", {role: "tablist"});
function choose(name) {
  for (const button of nav.children) button.setAttribute("aria-selected", String(button.dataset.name === name));
  for (const section of main.querySelectorAll("section")) section.hidden = section.dataset.name !== name;
}
for (const section of sections) {
  const {name, cards} = section;
  const button = make("button", {role: "tab", onclick: () => {
    choose(name);
    history.replaceState(null, "", "#" + anchor(name));
  }}, `${name} `, make("small", {}, String(section.count ?? cards.length)));
  button.dataset.name = name;
  nav.append(button);
  section.groups = groupsOf(cards);
  const element = make("section", {}, make("div", {class: "grid"}, ...section.groups.flatMap(groupElements)));
  element.dataset.name = name;
  main.append(element);
}
if (sections.length === 0) main.append(make("p", {class: "empty"}, "There is nothing in these runs yet."));

let pending = 0;
function drawScalars() {
  clearTimeout(pending);
  pending = setTimeout(drawCharts, 30);
}
function applyFilter() {
  const words = state.filter.toLowerCase();
  const wanted = c => c.tag.toLowerCase().includes(words) && (c.run === undefined || state.shown.has(c.run));
  for (const section of sections) for (const group of section.groups) {
    for (const c of group.cards) c.element.hidden = group.folded || !wanted(c);
    if (group.heading) group.heading.hidden = !group.cards.some(wanted);
  }
}
function redraw() {
  applyFilter();
  drawScalars();
  redraws.forEach(f => f());
}

function runsList() {
  const boxes = data.runs.map((_, i) => make("input", {type: "checkbox", checked: true, onchange: e => {
    if (e.target.checked) state.shown.add(i); else state.shown.delete(i);
    redraw();
  }}));
  const all = yes => {
    boxes.forEach((box, i) => {
      box.checked = yes;
      if (yes) state.shown.add(i); else state.shown.delete(i);
    });
    redraw();
  };
  const both = make("div", {class: "control"}, make("button", {class: "tool", onclick: () => all(true)}, "all"),
    make("button", {class: "tool", onclick: () => all(false)}, "none"));
  const labels = data.runs.map((name, i) =>
    make("label", {}, boxes[i], swatch(color(i)), make("span", {class: "name"}, name)));
  return data.runs.length > 2 ? [both, ...labels] : labels;
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
const asked = sections.find(s => "#" + anchor(s.name) === location.hash);
if (sections.length > 0) choose((asked || sections[0]).name);
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
