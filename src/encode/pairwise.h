/* pairwise.h - sums as numpy adds them, to the bit, over arrays of any layout and dtype. */
#ifndef HL_PAIRWISE_H
#define HL_PAIRWISE_H

#include "../array.h"

/* Most values a leaf of the summation tree has. */
enum { HL_PAIRWISE_LEAF = 128 };

/* The sum of n <= HL_PAIRWISE_LEAF values, eight running sums side by side. */
double hl_pairwise_leaf(const double *v, size_t n);

/* What a leaf gives for the n values v, which it may change. */
typedef double (*hl_leaf_fn)(void *ctx, double *v, size_t n);
/* Add up what the leaves give for all values of `a`, in the tree's order; leaves are called in the values' order. */
double hl_pairwise_sum(const hl_array *a, hl_leaf_fn leaf, void *ctx);

/* The next values as torch sees them: bfloat16 goes through float16, which numpy has and bfloat16 it has not. */
size_t hl_next_values(hl_array_iter *it, double *out, size_t max);

#endif
