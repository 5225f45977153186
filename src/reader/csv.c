/* csv.c - scalars as lines of text, fast: the one loop of `helios export` that meets every point. Knows points, no
 * files. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "run_reader.h"
#include "shortest.h"

enum { BATCH = 64 * 1024, LONGEST_NUMBERS = 96 };

/* RFC 4180: quoted when it holds a comma, a quote or a line end; quotes doubled. */
static void put_field(hl_buf *out, const char *s, size_t n) {
  bool plain = true;
  for (size_t i = 0; i < n; i++) plain = plain && s[i] != ',' && s[i] != '"' && s[i] != '\n' && s[i] != '\r';
  if (plain) {
    hl_buf_append(out, s, n);
    return;
  }
  hl_buf_append_byte(out, '"');
  for (size_t i = 0; i < n; i++) {
    if (s[i] == '"') hl_buf_append_byte(out, '"');
    hl_buf_append_byte(out, (unsigned char)s[i]);
  }
  hl_buf_append_byte(out, '"');
}

static void put_numbers(hl_buf *out, const helios_point *p) {
  if (!hl_buf_reserve(out, LONGEST_NUMBERS)) return;
  char *at = (char *)out->data + out->len;
  *at++ = ',';
  at = hl_put_integer(at, p->step);
  *at++ = ',';
  at = hl_put_shortest(at, p->wall_time, false);
  *at++ = ',';
  at = hl_put_shortest(at, p->value, p->single);
  *at++ = '\n';
  out->len = (size_t)(at - (char *)out->data);
}

/* What stands before a point's numbers: run and tag. Made anew when the tag is another than the last point's. */
typedef struct prefix {
  hl_buf text;
  size_t run_length;
  uint32_t tag_index;
} prefix;

static void begin_prefix(prefix *p, const char *run_name, const helios_allocator *alloc) {
  hl_buf_init(&p->text, alloc);
  put_field(&p->text, run_name, strlen(run_name));
  hl_buf_append_byte(&p->text, ',');
  p->run_length = p->text.len;
  p->tag_index = UINT32_MAX;
}

static void put_prefix(hl_buf *out, prefix *p, const helios_point *point) {
  if (point->tag_index != p->tag_index) {
    p->text.len = p->run_length;
    put_field(&p->text, point->tag.data, point->tag.length);
    p->tag_index = point->tag_index;
  }
  hl_buf_append(out, p->text.data, p->text.len);
}

static bool wanted(const helios_point *p, const char *tag, size_t length) {
  if (p->kind != HELIOS_KIND_SCALAR) return false;
  return tag == NULL || (p->tag.length == length && memcmp(p->tag.data, tag, length) == 0);
}

static helios_status flush(hl_buf *out, helios_sink sink, void *ctx) {
  if (out->failed) return HELIOS_ENOMEM;
  bool ok = out->len == 0 || sink(ctx, out->data, out->len);
  out->len = 0;
  return ok ? HELIOS_OK : HELIOS_EIO;
}

helios_status helios_run_write_csv(helios_run *run, const char *name, const char *tag, helios_sink sink, void *ctx) {
  prefix before;
  hl_buf out;
  helios_point p;
  helios_status st;
  if (run == NULL || name == NULL || sink == NULL) return HELIOS_EINVAL;
  size_t tag_length = tag == NULL ? 0 : strlen(tag);
  begin_prefix(&before, name, run->alloc);
  hl_buf_init(&out, run->alloc);
  helios_run_rewind(run);
  while ((st = helios_run_next(run, &p)) == HELIOS_OK) {
    if (!wanted(&p, tag, tag_length)) continue;
    put_prefix(&out, &before, &p);
    put_numbers(&out, &p);
    if (out.len > BATCH && (st = flush(&out, sink, ctx)) != HELIOS_OK) break;
  }
  helios_status flushed = before.text.failed ? HELIOS_ENOMEM : flush(&out, sink, ctx); /* also what came before a failure */
  if (st == HELIOS_EAGAIN || st == HELIOS_OK) st = flushed;
  hl_buf_free(&before.text);
  hl_buf_free(&out);
  return st;
}
