/* gif.c - animated GIF: a palette for each frame, and LZW. Source of the format: the GIF89a specification.
 *
 * Each frame stands alone (its own palette, the whole area), so a frame is exact whenever it has at most 256 colours.
 * Otherwise colours are counted with 5 bits a channel, and the box of them with the longest side is halved at its
 * median until there are 256 boxes; a colour becomes the mean of its box. */
#include "gif.h"

enum { MAX_COLORS = 256, COLOR_SLOTS = 1024, BINS = 1 << 15, CHANNELS = 3 };
enum { MAX_CODE_BITS = 12, MAX_CODES = 1 << MAX_CODE_BITS, CODE_SLOTS = 8192, BLOCK_MAX = 255 };

typedef struct palette {
  unsigned char rgb[MAX_COLORS][CHANNELS];
  int count;
} palette;

typedef struct color_slot {
  uint32_t color; /* + 1; 0: free */
  uint8_t index;
} color_slot;

typedef struct bin {
  uint32_t count;
  uint64_t sum[CHANNELS];
  uint8_t index; /* of the palette */
} bin;

typedef struct box {
  uint32_t first, last; /* range in `order`; last is not in it */
  uint32_t pixels;
  uint8_t low[CHANNELS], high[CHANNELS];
} box;

typedef struct code_slot {
  uint32_t key; /* prefix code << 8 | next byte, + 1; 0: free */
  uint16_t code;
} code_slot;

/* Bits of codes gathered into the sub-blocks of at most 255 bytes that a GIF consists of. */
typedef struct bit_writer {
  hl_buf *out;
  uint32_t bits;
  int bit_count;
  int block_size;
  unsigned char block[BLOCK_MAX];
} bit_writer;

struct hl_gif {
  hl_buf *out;
  uint32_t width, height;
  palette colors;
  color_slot color_slots[COLOR_SLOTS];
  bin bins[BINS];
  uint16_t order[BINS]; /* bins that have pixels, sorted by box */
  code_slot code_slots[CODE_SLOTS];
  bit_writer bits;
};

static uint32_t color_at(const unsigned char *rgb) { return (uint32_t)rgb[0] << 16 | (uint32_t)rgb[1] << 8 | rgb[2]; }

/* ---- exact palette ----------------------------------------------------------------------------------------- */

/* The slot of a colour: its own, or the free one where it belongs. */
static color_slot *find_color(hl_gif *g, uint32_t color) {
  uint32_t i = (color * 2654435761u) >> 22; /* Fibonacci hashing to 10 bits */
  while (g->color_slots[i].color != 0 && g->color_slots[i].color != color + 1) i = (i + 1) % COLOR_SLOTS;
  return &g->color_slots[i];
}

/* False when there are more than 256 colours. */
static bool collect_exact(hl_gif *g, const unsigned char *rgb, size_t pixels) {
  memset(g->color_slots, 0, sizeof g->color_slots);
  g->colors.count = 0;
  uint32_t previous = UINT32_MAX;
  for (size_t i = 0; i < pixels; i++, rgb += CHANNELS) {
    uint32_t color = color_at(rgb);
    if (color == previous) continue;
    previous = color;
    color_slot *slot = find_color(g, color);
    if (slot->color != 0) continue;
    if (g->colors.count == MAX_COLORS) return false;
    *slot = (color_slot){color + 1, (uint8_t)g->colors.count};
    memcpy(g->colors.rgb[g->colors.count++], rgb, CHANNELS);
  }
  return true;
}

/* ---- median cut -------------------------------------------------------------------------------------------- */

static uint16_t bin_of(const unsigned char *rgb) {
  return (uint16_t)((rgb[0] >> 3) << 10 | (rgb[1] >> 3) << 5 | rgb[2] >> 3);
}

static uint8_t side_of(uint16_t bin_number, int channel) { return (uint8_t)(bin_number >> (10 - 5 * channel) & 31); }

static uint32_t count_bins(hl_gif *g, const unsigned char *rgb, size_t pixels) {
  memset(g->bins, 0, sizeof g->bins);
  for (size_t i = 0; i < pixels; i++, rgb += CHANNELS) {
    bin *b = &g->bins[bin_of(rgb)];
    b->count++;
    for (int c = 0; c < CHANNELS; c++) b->sum[c] += rgb[c];
  }
  uint32_t used = 0;
  for (uint32_t i = 0; i < BINS; i++)
    if (g->bins[i].count > 0) g->order[used++] = (uint16_t)i;
  return used;
}

static void measure(const hl_gif *g, box *b) {
  b->pixels = 0;
  memset(b->low, 255, sizeof b->low);
  memset(b->high, 0, sizeof b->high);
  for (uint32_t i = b->first; i < b->last; i++) {
    b->pixels += g->bins[g->order[i]].count;
    for (int c = 0; c < CHANNELS; c++) {
      uint8_t v = side_of(g->order[i], c);
      if (v < b->low[c]) b->low[c] = v;
      if (v > b->high[c]) b->high[c] = v;
    }
  }
}

static int longest_side(const box *b) {
  int best = 0;
  for (int c = 1; c < CHANNELS; c++)
    if (b->high[c] - b->low[c] > b->high[best] - b->low[best]) best = c;
  return best;
}

/* The bins of a box, sorted by one channel: counting sort over its 32 values. */
static void sort_bins(hl_gif *g, const box *b, int channel, uint16_t *scratch) {
  uint32_t starts[33] = {0};
  for (uint32_t i = b->first; i < b->last; i++) starts[side_of(g->order[i], channel) + 1]++;
  for (int v = 0; v < 32; v++) starts[v + 1] += starts[v];
  for (uint32_t i = b->first; i < b->last; i++) scratch[starts[side_of(g->order[i], channel)]++] = g->order[i];
  memcpy(g->order + b->first, scratch, (b->last - b->first) * sizeof *scratch);
}

/* Halve a box of two bins or more where half of its pixels are passed; `upper` gets the rest. */
static void halve(hl_gif *g, box *lower, box *upper, uint16_t *scratch) {
  sort_bins(g, lower, longest_side(lower), scratch);
  uint32_t seen = 0, cut = lower->first;
  while (cut < lower->last - 1 && seen + g->bins[g->order[cut]].count <= lower->pixels / 2)
    seen += g->bins[g->order[cut++]].count;
  if (cut == lower->first) cut++;
  *upper = (box){.first = cut, .last = lower->last};
  lower->last = cut;
  measure(g, lower);
  measure(g, upper);
}

/* The box whose halving gains most: many pixels over a long side; NULL when none has two bins. */
static box *largest(box *boxes, int count) {
  box *best = NULL;
  uint64_t best_weight = 0;
  for (int i = 0; i < count; i++) {
    box *b = &boxes[i];
    int side = longest_side(b);
    uint64_t length = (uint64_t)(b->high[side] - b->low[side]), weight = length * length * b->pixels;
    if (b->last - b->first >= 2 && weight > best_weight) {
      best = b;
      best_weight = weight;
    }
  }
  return best;
}

static void paint(hl_gif *g, const box *b) {
  uint64_t sum[CHANNELS] = {0};
  int index = g->colors.count++;
  for (uint32_t i = b->first; i < b->last; i++) {
    bin *one = &g->bins[g->order[i]];
    one->index = (uint8_t)index;
    for (int c = 0; c < CHANNELS; c++) sum[c] += one->sum[c];
  }
  for (int c = 0; c < CHANNELS; c++) g->colors.rgb[index][c] = (unsigned char)((sum[c] + b->pixels / 2) / b->pixels);
}

static void collect_median_cut(hl_gif *g, const unsigned char *rgb, size_t pixels) {
  uint16_t scratch[BINS];
  box boxes[MAX_COLORS] = {{.first = 0, .last = count_bins(g, rgb, pixels)}};
  int count = 1;
  measure(g, &boxes[0]);
  while (count < MAX_COLORS) {
    box *b = largest(boxes, count);
    if (b == NULL) break;
    halve(g, b, &boxes[count++], scratch);
  }
  g->colors.count = 0;
  for (int i = 0; i < count; i++) paint(g, &boxes[i]);
}

/* ---- LZW --------------------------------------------------------------------------------------------------- */

static void put_block(bit_writer *w) {
  hl_buf_append_byte(w->out, (unsigned char)w->block_size);
  hl_buf_append(w->out, w->block, (size_t)w->block_size);
  w->block_size = 0;
}

static void put_byte(bit_writer *w, unsigned char byte) {
  w->block[w->block_size++] = byte;
  if (w->block_size == BLOCK_MAX) put_block(w);
}

static void put_code(bit_writer *w, uint32_t code, int width) {
  w->bits |= code << w->bit_count;
  for (w->bit_count += width; w->bit_count >= 8; w->bit_count -= 8, w->bits >>= 8) put_byte(w, (unsigned char)w->bits);
}

static void end_codes(bit_writer *w) {
  if (w->bit_count > 0) put_byte(w, (unsigned char)w->bits);
  if (w->block_size > 0) put_block(w);
  hl_buf_append_byte(w->out, 0);
}

static code_slot *find_code(hl_gif *g, uint32_t key) {
  uint32_t i = (key * 2654435761u) >> 19; /* 13 bits */
  while (g->code_slots[i].key != 0 && g->code_slots[i].key != key + 1) i = (i + 1) % CODE_SLOTS;
  return &g->code_slots[i];
}

static uint8_t index_of(hl_gif *g, const unsigned char *rgb, bool exact) {
  return exact ? find_color(g, color_at(rgb))->index : g->bins[bin_of(rgb)].index;
}

/* The decoder adds an entry with each code but the first, one step behind us: a width grows when the code just given
 * out no longer fits it, and everything is forgotten when all 4096 codes are taken. */
static void put_pixels(hl_gif *g, const unsigned char *rgb, size_t pixels, bool exact, int min_bits) {
  bit_writer *w = &g->bits;
  uint32_t clear = 1u << min_bits, next = clear + 2;
  int width = min_bits + 1;
  *w = (bit_writer){.out = g->out};
  memset(g->code_slots, 0, sizeof g->code_slots);
  put_code(w, clear, width);
  uint32_t prefix = index_of(g, rgb, exact);
  for (size_t i = 1; i < pixels; i++) {
    uint32_t byte = index_of(g, rgb + i * CHANNELS, exact);
    code_slot *slot = find_code(g, prefix << 8 | byte);
    if (slot->key != 0) {
      prefix = slot->code;
      continue;
    }
    put_code(w, prefix, width);
    if (next < MAX_CODES) {
      *slot = (code_slot){(prefix << 8 | byte) + 1, (uint16_t)next};
      if (next++ == 1u << width) width++;
    } else {
      put_code(w, clear, width);
      memset(g->code_slots, 0, sizeof g->code_slots);
      next = clear + 2;
      width = min_bits + 1;
    }
    prefix = byte;
  }
  put_code(w, prefix, width);
  if (next == 1u << width && width < MAX_CODE_BITS) width++; /* the decoder's last entry made it grow */
  put_code(w, clear + 1, width);
  end_codes(w);
}

/* ---- the file ---------------------------------------------------------------------------------------------- */

static void put_le16(hl_buf *b, uint32_t v) {
  hl_buf_append_byte(b, (unsigned char)v);
  hl_buf_append_byte(b, (unsigned char)(v >> 8));
}

hl_gif *hl_gif_begin(hl_buf *out, uint32_t width, uint32_t height) {
  hl_gif *g = hl_alloc(out->alloc, sizeof *g);
  if (g == NULL) return NULL;
  g->out = out;
  g->width = width;
  g->height = height;
  hl_buf_append(out, "GIF89a", 6);
  put_le16(out, width);
  put_le16(out, height);
  hl_buf_append(out, "\x70\0\0", 3);                         /* no global palette; 8 bits a channel */
  hl_buf_append(out, "\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0", 19); /* repeat without end */
  return g;
}

/* Bits of an index into the palette, 1 to 8. */
static int index_bits(int count) {
  int bits = 1;
  while (1 << bits < count) bits++;
  return bits;
}

static void put_frame_head(hl_gif *g, uint16_t delay, int bits) {
  static const unsigned char black[CHANNELS] = {0};
  hl_buf_append(g->out, "\x21\xf9\x04\x04", 4); /* graphic control: leave the frame in place */
  put_le16(g->out, delay);
  hl_buf_append(g->out, "\0\0\x2c\0\0\0\0", 7); /* no transparency; an image at 0, 0 */
  put_le16(g->out, g->width);
  put_le16(g->out, g->height);
  hl_buf_append_byte(g->out, (unsigned char)(0x80 | (bits - 1))); /* with a palette of 2^bits colours */
  for (int i = 0; i < 1 << bits; i++) hl_buf_append(g->out, i < g->colors.count ? g->colors.rgb[i] : black, CHANNELS);
}

void hl_gif_frame(hl_gif *g, const unsigned char *rgb, uint16_t delay) {
  size_t pixels = (size_t)g->width * g->height;
  bool exact = collect_exact(g, rgb, pixels);
  if (!exact) collect_median_cut(g, rgb, pixels);
  int bits = index_bits(g->colors.count), min_bits = bits < 2 ? 2 : bits;
  put_frame_head(g, delay, bits);
  hl_buf_append_byte(g->out, (unsigned char)min_bits);
  put_pixels(g, rgb, pixels, exact, min_bits);
}

void hl_gif_end(hl_gif *g) {
  hl_buf_append_byte(g->out, 0x3b);
  hl_free(g->out->alloc, g, sizeof *g);
}
