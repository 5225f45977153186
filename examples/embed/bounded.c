/* bounded.c RUN - the core without Lua, threads or the C library's heap: all its memory is one array of this program.
 *
 * What a device with a fixed budget does. The allocator is a first-fit list inside ARENA; the library asks for nothing
 * else (what waits for the disk lies in a small mapped file, the kernel's). With threads = -1 everything happens in the
 * calling thread, so the allocator needs no lock. When the array is full a call returns HELIOS_ENOMEM, nothing is
 * written, and the program goes on. */
#include <helios/helios.h>
#include <stdio.h>
#include <string.h>

enum { ARENA = 1024 * 1024, ALIGN = 16, STEPS = 5000, SIDE = 64 };

typedef struct block {
  size_t size; /* with this header */
  size_t used; /* 0: free */
} block;

typedef struct arena {
  _Alignas(ALIGN) unsigned char bytes[ARENA];
  size_t used, peak;
} arena;

static arena memory;

static block *at(arena *a, size_t offset) { return (block *)(void *)(a->bytes + offset); }

/* Join the free blocks behind this one to it. */
static void join(arena *a, size_t offset) {
  block *b = at(a, offset);
  while (offset + b->size < ARENA && !at(a, offset + b->size)->used) b->size += at(a, offset + b->size)->size;
}

static void take(arena *a, size_t offset, size_t size) {
  block *b = at(a, offset);
  if (b->size >= size + 2 * sizeof *b) {
    *at(a, offset + size) = (block){.size = b->size - size};
    b->size = size;
  }
  b->used = 1;
  a->used += b->size;
  if (a->used > a->peak) a->peak = a->used;
}

static void *allocate(arena *a, size_t size) {
  if (size > ARENA) return NULL;
  size = (size + sizeof(block) + ALIGN - 1) / ALIGN * ALIGN;
  for (size_t offset = 0; offset < ARENA; offset += at(a, offset)->size) {
    if (at(a, offset)->used) continue;
    join(a, offset);
    if (at(a, offset)->size < size) continue;
    take(a, offset, size);
    return at(a, offset) + 1;
  }
  return NULL;
}

static void release(arena *a, void *p) {
  block *b = (block *)p - 1;
  a->used -= b->size;
  b->used = 0;
}

/* What helios/status.h asks of an allocator. */
static void *reallocate(void *ctx, void *p, size_t old_size, size_t size) {
  arena *a = ctx;
  void *fresh = size > 0 ? allocate(a, size) : NULL;
  if (size > 0 && fresh == NULL) return NULL; /* p stays as it is */
  if (p != NULL && fresh != NULL) memcpy(fresh, p, old_size < size ? old_size : size);
  if (p != NULL) release(a, p);
  return fresh;
}

static double temperature(int step) { return 20.0 + 5.0 * (step % 100) / 100.0; }

static helios_status add_picture(helios_writer *w, int step) {
  static unsigned char pixels[SIDE * SIDE];
  for (int i = 0; i < SIDE * SIDE; i++) pixels[i] = (unsigned char)(i + step);
  int64_t shape[] = {SIDE, SIDE};
  DLTensor image = {.data = pixels, .device = {kDLCPU, 0}, .ndim = 2, .shape = shape,
                    .dtype = helios_dtype_to_dl(HELIOS_UINT8)};
  return helios_writer_add_image(w, "picture", &image, "HW", step, NULL);
}

/* A picture that does not fit is refused, and told so. */
static helios_status add_too_much(helios_writer *w) {
  static float samples[ARENA / sizeof(float)];
  int64_t shape[] = {ARENA / sizeof(float)};
  DLTensor all = {.data = samples, .device = {kDLCPU, 0}, .ndim = 1, .shape = shape,
                  .dtype = helios_dtype_to_dl(HELIOS_FLOAT32)};
  return helios_writer_add_tensor(w, "samples", &all, 0, NULL);
}

static int fail(const char *reason) {
  fprintf(stderr, "bounded: %s\n", reason);
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 2) return fail("give it the folder of a run");
  *at(&memory, 0) = (block){.size = ARENA};
  helios_allocator allocator = {reallocate, &memory};
  helios_writer_options options = {.size = sizeof options, .threads = -1, .max_pending = ARENA / 4,
                                   .allocator = &allocator};
  helios_writer *w;
  char why[256];
  if (helios_writer_open(argv[1], &options, &w, why, sizeof why) != HELIOS_OK) return fail(why);
  helios_status status = HELIOS_OK;
  for (int step = 1; step <= STEPS && status == HELIOS_OK; step++) {
    status = helios_writer_add_scalar(w, "temperature", temperature(step), step);
    if (step % 1000 == 0 && status == HELIOS_OK) status = add_picture(w, step);
  }
  size_t peak = memory.peak;
  printf("a megabyte at once: %s\n", helios_strerror(add_too_much(w)));
  if (status == HELIOS_OK) status = helios_writer_close(w);
  helios_writer_free(w);
  printf("%d points and %d pictures: %s\n", STEPS, STEPS / 1000, helios_strerror(status));
  printf("at most %zu of %d bytes; %zu in use after all\n", peak, ARENA, memory.used);
  return status != HELIOS_OK;
}
