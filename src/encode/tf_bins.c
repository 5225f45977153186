/* tf_bins.c - TensorFlow's bins: edges that grow by a tenth from 1e-12 to 1e20 on both sides of 0, found by table.
 *
 * The upper 16 bits of a double (sign, exponent, four bits of fraction) are its bucket. Bounds of neighbouring buckets
 * lie at most a factor 17/16 apart, edges 1.1: at most one edge lies inside a bucket. The table gives the slot of a
 * bucket's least value, one comparison with the next limit the rest; so the search is exact and has no branch to guess.
 *
 * Slots are the bins with the outside added: 0 lies below all bins, i + 1 is bin i, the last one lies above. NaN ends
 * in one of the outer two, since every comparison with it is false. */
#include <math.h>

#include "../bytes.h"
#include "bins.h"
#include "pairwise.h"

enum { POSITIVE_EDGES = 774, EDGES = 2 * POSITIVE_EDGES + 1, BINS = EDGES - 1, SLOTS = BINS + 2 };
enum { BUCKET_SHIFT = 48, FIRST_BUCKET = 0x3d71, LAST_BUCKET = 0x4415 }; /* of the least and greatest positive edge */
enum { SIDE = LAST_BUCKET - FIRST_BUCKET + 3 };                          /* and one for all below, one for all above */
enum { BLOCK = 512 };

typedef struct finder {
  double limits[SLOTS + 1];    /* slot s is [limits[s], limits[s + 1]) */
  uint16_t slot_of[2 * SIDE];  /* by place: positive values first, each side from 0 outwards */
  uint64_t counts[SLOTS];
} finder;

static void make_edges(double *edges) {
  double v = 1e-12;
  edges[POSITIVE_EDGES] = 0;
  for (size_t i = 1; i <= POSITIVE_EDGES; i++) {
    edges[POSITIVE_EDGES + i] = v;
    edges[POSITIVE_EDGES - i] = -v;
    v *= 1.1;
  }
}

/* The double whose bits are `bucket` and then zeros. */
static double bucket_start(uint64_t bucket) { return hl_double_from_bits(bucket << BUCKET_SHIFT); }

/* Both sides from the least value upwards, with the slot walking along. */
static void fill_table(finder *f) {
  uint16_t slot = 0;
  for (uint64_t i = SIDE; i-- > 0;) { /* least of a negative bucket: the double just short of the next one */
    double next = bucket_start(i + FIRST_BUCKET);
    double least = -hl_double_from_bits(hl_double_bits(next) - 1);
    while (f->limits[slot + 1] <= least) slot++;
    f->slot_of[SIDE + i] = slot;
  }
  for (uint64_t i = 0; i < SIDE; i++) {
    double least = i == 0 ? 0.0 : bucket_start(i + FIRST_BUCKET - 1);
    while (f->limits[slot + 1] <= least) slot++;
    f->slot_of[i] = slot;
  }
}

static void make_finder(finder *f, const double *edges) {
  f->limits[0] = -INFINITY;
  memcpy(f->limits + 1, edges, EDGES * sizeof *edges);
  f->limits[EDGES] = nextafter(edges[BINS], INFINITY); /* the last bin is closed */
  f->limits[SLOTS] = NAN;                              /* nothing is beyond */
  memset(f->counts, 0, sizeof f->counts);
  fill_table(f);
}

static size_t find_slot(const finder *f, double v) {
  uint64_t bits = hl_double_bits(v);
  int32_t place = (int32_t)(bits >> BUCKET_SHIFT & 0x7fff) - (FIRST_BUCKET - 1);
  if (place < 0) place = 0;
  if (place > SIDE - 1) place = SIDE - 1;
  size_t slot = f->slot_of[place + (int32_t)(bits >> 63) * SIDE];
  return slot + (v >= f->limits[slot + 1]);
}

static void count(finder *f, const hl_array *values) {
  double v[BLOCK];
  hl_array_iter it;
  hl_array_iter_init(&it, values);
  for (size_t n; (n = hl_next_values(&it, v, BLOCK)) > 0;)
    for (size_t i = 0; i < n; i++) f->counts[find_slot(f, v[i])]++;
}

helios_status hl_bins_make_tensorflow(hl_bins *b, const hl_array *values) {
  helios_status st = hl_bins_take_memory(b, BINS);
  if (st != HELIOS_OK) return st;
  finder *f = hl_alloc(b->alloc, sizeof *f);
  if (f == NULL) return HELIOS_ENOMEM;
  make_edges(b->edges);
  make_finder(f, b->edges);
  count(f, values);
  memcpy(b->counts, f->counts + 1, BINS * sizeof *b->counts);
  hl_free(b->alloc, f, sizeof *f);
  return HELIOS_OK;
}
