/* bins.h - edges of histogram bins, and how many values lie between them. */
#ifndef HL_BINS_H
#define HL_BINS_H

#include "../alloc.h"
#include "../array.h"
#include "helios/writer.h"

/* What one pass over the values tells. NaN among them makes all four NaN. */
typedef struct hl_moments {
  double min, max, sum, sum_squares;
} hl_moments;

hl_moments hl_moments_of(const hl_array *values);

/* count + 1 edges and count counts: bin i is [edges[i], edges[i+1]), the last one closed. */
typedef struct hl_bins {
  double *edges;
  uint64_t *counts;
  size_t count;
  size_t capacity; /* bins there is memory for */
  const helios_allocator *alloc;
} hl_bins;

/* Choose the edges that `options` (NULL: the defaults) ask for and count the values. The array is not empty. Free the
 * bins whatever is returned. */
helios_status hl_bins_make(hl_bins *b, const hl_array *values, const hl_moments *m,
                           const helios_histogram_options *options, const helios_allocator *alloc, hl_error *err);
void hl_bins_free(hl_bins *b);

/* Add up every count / max neighbours, as torch does (which can leave more than max). */
void hl_bins_join(hl_bins *b, size_t max);

/* What makes the kinds of bins: memory for `count` bins, their counts 0 ... */
helios_status hl_bins_take_memory(hl_bins *b, size_t count);
/* ... tf_bins.c: TensorFlow's edges, and the values counted between them ... */
helios_status hl_bins_make_tensorflow(hl_bins *b, const hl_array *values);
/* ... bin_width.c: the width that numpy's rule of that name gives these values, 0 when they do not vary enough to tell;
 * false when there is no such rule. Values are finite. */
bool hl_bin_width(const char *rule, const hl_array *values, const hl_moments *m, double *width);

#endif
