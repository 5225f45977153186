// markdown.js - Markdown as elements made one by one: what is no known form stays text. Pictures are named, never fetched.
const INLINE = new RegExp([
  /\\(?<escaped>[!-/:-@[-`{-~])/,
  /(?<tick>`+)(?<code>[\s\S]*?[^`])\k<tick>(?!`)/,
  /!\[(?<picture>[^\]]*)\]\((?<source>[^)\s]*)[^)]*\)/,
  /\[(?<label>[^\]]+)\]\((?<target>[^)\s]+)[^)]*\)/,
  /\*\*(?=\S)(?<strong>[\s\S]*?\S)\*\*/,
  /(?<!\w)__(?=\S)(?<strong_>[\s\S]*?\S)__(?!\w)/, // train_loss_mean has no emphasis in it
  /\*(?=\S)(?<em>[\s\S]*?\S)\*/,
  /(?<!\w)_(?=\S)(?<em_>[\s\S]*?\S)_(?!\w)/,
  /~~(?=\S)(?<del>[\s\S]*?\S)~~/,
].map(r => r.source).join("|"));
const LONGEST_INLINE = 20000; // beyond it text stays plain: looking for ends of marks takes quadratic time
const TABLE_RULE = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;
function inline(parent, s, depth) {
  let m;
  while (s !== "" && depth < 8 && s.length <= LONGEST_INLINE && (m = INLINE.exec(s))) {
    const g = m.groups, strong = g.strong ?? g.strong_, em = g.em ?? g.em_;
    parent.append(s.slice(0, m.index));
    if (g.escaped) parent.append(g.escaped);
    else if (g.tick) parent.append(make("code", {}, g.code));
    else if (g.picture !== undefined) parent.append(make("em", {}, `[picture: ${g.picture || g.source}]`));
    else if (g.label !== undefined) parent.append(link(g.label, g.target, depth));
    else if (strong !== undefined) parent.append(nested("strong", strong, depth));
    else if (em !== undefined) parent.append(nested("em", em, depth));
    else parent.append(nested("del", g.del, depth));
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
function tableOf(head, body, sides = []) {
  const cell = (name, c, i) => {
    const e = nested(name, c, 0);
    if (sides[i]) e.style.textAlign = sides[i];
    return e;
  };
  const row = (name, list) => make("tr", {}, ...list.map((c, i) => cell(name, c, i)));
  return make("div", {class: "scroll"}, make("table", {}, row("th", head), ...body.map(r => row("td", r))));
}
const ITEM = /^(\s*)([-*+]|\d+[.)])\s+(.*)$/, MOST_NESTED = 8;
// A list; items that stand further to the right than its first are lists inside it.
function listOf(items, depth) {
  const list = make(/\d/.test(items[0][2]) ? "ol" : "ul"), margin = items[0][1].length;
  if (list.localName === "ol") list.start = parseInt(items[0][2], 10);
  for (let i = 0; i < items.length;) {
    const li = nested("li", items[i][3], 0), inner = [];
    for (i++; i < items.length && items[i][1].length > margin && depth < MOST_NESTED; i++) inner.push(items[i]);
    if (inner.length > 0) li.append(listOf(inner, depth + 1));
    list.append(li);
  }
  return list;
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
      const sides = cells(lines[i + 1]).map(c => /^:.*:$/.test(c) ? "center" : c.endsWith(":") ? "right" : "");
      for (i += 2; i < lines.length && lines[i].includes("|"); i++) body.push(cells(lines[i]));
      out.append(tableOf(head, body, sides));
    } else if (/^\s*>/.test(s)) {
      const quote = [];
      for (; i < lines.length && /^\s*>/.test(lines[i]); i++) quote.push(lines[i].replace(/^\s*>\s?/, ""));
      out.append(nested("blockquote", quote.join("\n"), 0));
    } else if (ITEM.test(s)) {
      const items = [];
      for (; i < lines.length && (m = ITEM.exec(lines[i])); i++) items.push(m);
      out.append(listOf(items, 0));
    } else {
      const words = [];
      for (; i < lines.length && !/^\s*$|^#{1,6}\s|^```|^~~~|^\s*>/.test(lines[i]); i++) words.push(lines[i]);
      out.append(nested("p", words.join("\n"), 0));
    }
  }
  return out;
}
