// pr_curves.js - precision over recall, with a slider of thresholds.
function prCard(entry) {
  const box = canvasOf(300), note = make("div");
  const steps = [...new Set(entry.parts.flatMap(p => p.items).map(i => i.step))].sort((a, b) => a - b);
  let step = steps.length - 1, threshold = 0.5;
  const at = part => part.items.filter(i => i.step <= steps[step]).pop();

  function frame(g, x, y) {
    g.strokeStyle = css("--line");
    for (const v of [0, 0.25, 0.5, 0.75, 1]) {
      g.beginPath();
      g.moveTo(x(0), y(v));
      g.lineTo(x(1), y(v));
      g.moveTo(x(v), y(0));
      g.lineTo(x(v), y(1));
      g.stroke();
      g.textAlign = "right";
      g.fillText(String(v), x(0) - 6, y(v) + 4);
      g.textAlign = "center";
      g.fillText(String(v), x(v), y(0) + 14);
    }
    g.fillText("recall", x(0.5), y(0) + 28);
    g.textAlign = "left";
    g.fillText("precision", 4, y(1) - 8);
  }

  // The curve, with a dot at the threshold, whose numbers are given back.
  function curve(g, x, y, part, item) {
    const rows_ = json(item.blob).map(r => r.map(unnumber)), n = rows_[0].length;
    const k = Math.min(n - 1, Math.round(threshold * (n - 1)));
    g.strokeStyle = g.fillStyle = color(part.run);
    g.lineWidth = 2;
    g.beginPath();
    for (let i = 0; i < n; i++) g[i ? "lineTo" : "moveTo"](x(rows_[5][i]), y(rows_[4][i]));
    g.stroke();
    g.beginPath();
    g.arc(x(rows_[5][k]), y(rows_[4][k]), 5, 0, 7);
    g.fill();
    return [4, 5, 0, 1, 2, 3].map(row => short(rows_[row][k])).concat(String(item.step));
  }

  function draw() {
    const [g, width] = box.prepare(), x = r => 44 + (width - 60) * r, y = p => 264 - 240 * p, lines = [];
    frame(g, x, y);
    for (const part of entry.parts) {
      const item = state.shown.has(part.run) && at(part);
      if (item) lines.push([color(part.run), runName(part.run), curve(g, x, y, part, item)]);
    }
    note.replaceChildren(legendTable(["run", "precision", "recall", "TP", "FP", "TN", "FN", "step"], lines));
  }

  const stepControl = slider(steps.length, "step", i => { step = i; draw(); return `step ${steps[i]}`; });
  const thresholdControl = slider(1001, "threshold", i => {
    threshold = i / 1000;
    draw();
    return `threshold ${threshold.toFixed(3)}`;
  });
  thresholdControl.box.querySelector("input").value = 500;
  const card = make("div", {class: "card"}, heading(entry.tag), box.canvas, thresholdControl.box, stepControl.box,
    make("div", {class: "scroll"}, note));
  expander(card, draw);
  later(card, () => { stepControl.update(); thresholdControl.update(); });
  drawnAgain(card, draw);
  return card;
}
