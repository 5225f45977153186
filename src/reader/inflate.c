/* inflate.c - unpacks gzip and zlib streams; the reader's only unpacker. Several gzip members one after the
 * other are one stream, as `gzip -dc` reads them. Knows no records. */
#include "inflate.h"

#include <zlib.h>

#include "../alloc.h"

enum { INPUT_SIZE = 64 * 1024, ANY_HEADER = 15 + 32, BLOCK_HEAD = 16 };

struct hl_inflater {
  const helios_allocator *alloc;
  z_stream stream;
  int64_t offset; /* of the next packed byte to read */
  bool between;   /* a member has ended, the next one has not begun */
  bool bad;
  unsigned char input[INPUT_SIZE];
};

/* zlib frees without a size, which our allocators want: it is kept in front of the block. */
static void *zlib_alloc(void *opaque, unsigned count, unsigned size) {
  size_t n = (size_t)count * size + BLOCK_HEAD;
  unsigned char *p = hl_alloc(opaque, n);
  if (p == NULL) return NULL;
  *(size_t *)(void *)p = n;
  return p + BLOCK_HEAD;
}

static void zlib_free(void *opaque, void *block) {
  unsigned char *p = (unsigned char *)block - BLOCK_HEAD;
  hl_free(opaque, p, *(size_t *)(void *)p);
}

hl_inflater *hl_inflater_new(const helios_allocator *alloc) {
  if (alloc == NULL) alloc = &hl_default_allocator;
  hl_inflater *z = hl_alloc_zeroed(alloc, 1, sizeof *z);
  if (z == NULL) return NULL;
  z->alloc = alloc;
  z->stream.zalloc = zlib_alloc;
  z->stream.zfree = zlib_free;
  z->stream.opaque = (void *)(uintptr_t)alloc;
  if (inflateInit2(&z->stream, ANY_HEADER) != Z_OK) {
    hl_free(alloc, z, sizeof *z);
    return NULL;
  }
  return z;
}

void hl_inflater_free(hl_inflater *z) {
  if (z == NULL) return;
  inflateEnd(&z->stream);
  hl_free(z->alloc, z, sizeof *z);
}

/* More packed bytes: how many, 0 at the end of the file, -1 on failure. */
static int64_t refill(hl_inflater *z, const hl_env *env, int fd, int *code) {
  int64_t n = env->pread(env, fd, z->input, sizeof z->input, z->offset, code);
  if (n <= 0) return n;
  z->offset += n;
  z->stream.next_in = z->input;
  z->stream.avail_in = (uInt)n;
  return n;
}

/* One step of inflate. False: the stream is damaged or memory is out. */
static bool unpack(hl_inflater *z, helios_status *status) {
  if (z->between) {
    inflateReset(&z->stream);
    z->between = false;
  }
  int result = inflate(&z->stream, Z_NO_FLUSH);
  if (result == Z_STREAM_END) z->between = true;
  if (result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR) return true;
  z->bad = result != Z_MEM_ERROR;
  *status = z->bad ? HELIOS_EFORMAT : HELIOS_ENOMEM;
  return false;
}

int64_t hl_inflater_read(hl_inflater *z, const hl_env *env, int fd, void *out, size_t n, helios_status *status,
                         int *code) {
  *status = HELIOS_EFORMAT;
  if (z->bad) return -1;
  if (n > UINT32_MAX / 2) n = UINT32_MAX / 2; /* zlib counts in unsigned int */
  z->stream.next_out = out;
  z->stream.avail_out = (uInt)n;
  while (z->stream.avail_out > 0) {
    if (z->stream.avail_in == 0) {
      int64_t got = refill(z, env, fd, code);
      if (got < 0) *status = HELIOS_EIO;
      if (got < 0) return -1;
      if (got == 0) break;
    }
    size_t before = z->stream.avail_out;
    if (!unpack(z, status)) {
      if (before < n) break; /* give what came before the damage; it is told by the next call */
      return -1;
    }
  }
  return (int64_t)(n - z->stream.avail_out);
}
