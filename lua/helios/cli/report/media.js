// media.js - images, films, sounds and texts, each with a slider of steps.
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
    // Small pictures are shown in whole multiples of their pixels.
    const small = item.width > 0 && item.width < 200, times = Math.floor(260 / Math.max(item.width, item.height));
    image.classList.toggle("small", small);
    image.style.width = film.still.style.width = small ? `${item.width * Math.max(1, times)}px` : "";
    film.show(item);
    return `${stepText(item)}  ·  ${item.width} × ${item.height}${item.mime === "image/gif" ? "  ·  GIF" : ""}`;
  });
  const card = make("div", {class: "card"}, heading(entry.tag, entry.run), image, film.still, control.box, film.box);
  expander(card);
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

function textCard(entry) {
  const body = make("div");
  const control = slider(entry.items.length, "step", i => {
    const item = entry.items[i], content = json(item.blob);
    const rows_ = content.rows;
    body.replaceChildren(rows_ ? tableOf(rows_[0] || [], rows_.slice(1)) : markdown(content.text));
    return stepText(item);
  });
  const card = make("div", {class: "card"}, heading(entry.tag, entry.run), body, control.box);
  expander(card);
  later(card, control.update);
  return card;
}
