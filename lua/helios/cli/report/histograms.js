// histograms.js - the histograms of a tag behind each other, and one of them as bars.
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
  const measure = (left, right) => {
    if (Number.isFinite(left) && left < low) low = left;
    if (Number.isFinite(right) && right > high) high = right;
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
  expander(card, () => { drawRidges(); control.update(); });
  const draw = () => {
    const items = some().map(item => ({step: item.step, buckets: bucketsOf(item)}));
    for (const item of entry.items) measure(unnumber(item.min), unnumber(item.max)); // of those not drawn, too
    for (const item of items) for (const [left, right, count] of item.buckets) if (count > 0) measure(left, right);
    if (low > high) low = high = 0;
    if (!(high - low > 0 && high - low < Infinity)) { low -= 0.5; high = low + 1; }
    ridges = items.map(r => ({step: r.step, counts: resample(r.buckets, low, high, bins)}));
    drawRidges();
    control.update();
  };
  later(card, draw);
  drawnAgain(card, () => { drawRidges(); control.update(); });
  return card;
}
