/* fuzz_pending.c - pending files and media spools that were damaged, or made by somebody hostile. Recovery neither
 * crashes nor hangs, and touches nothing outside its folder.
 *
 * The first byte says what the file is: 0 a run's, 1 a log's, 2 a spool; + 4: the rest of the input is the file as it
 * is, else it is a list of changes { u16 offset, u8 count, bytes } to a sound one; + 8: checksums are made right
 * afterwards. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crc32c.h"
#include "pending.h"
#include "record.h"
#include "recover.h"
#include "spool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SLOT_SIZE = 128, SLOTS = 2, CAPACITY = 4096, SPOOL_BYTES = 1024 };
enum { PENDING_SIZE = HL_PENDING_HEADER + SLOTS * SLOT_SIZE + CAPACITY, SPOOL_SIZE = HL_SPOOL_HEADER + SPOOL_BYTES };

static char root[256], folder[300];
static const char SENTINEL[] = "nobody writes here";

/* Memory ends early: a picture of gigabytes is legal and takes long. */
static void *sparing_realloc(void *ctx, void *p, size_t old_size, size_t size) {
  return size > 32u << 20 ? NULL : hl_default_allocator.realloc(ctx, p, old_size, size);
}

static const helios_allocator sparing = {sparing_realloc, NULL};

static const char *in(const char *dir, const char *name) {
  static char path[2][700];
  static int turn;
  turn = 1 - turn;
  snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
  return path[turn];
}

static void put_file(const char *path, const void *data, size_t size) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (fd < 0 || write(fd, data, size) != (ssize_t)size) abort();
  close(fd);
}

static void empty(const char *path, bool remove_it) {
  DIR *dir = opendir(path);
  if (dir == NULL) abort();
  for (struct dirent *e; (e = readdir(dir)) != NULL;) {
    char inner[700];
    if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
    snprintf(inner, sizeof inner, "%.350s/%s", path, e->d_name);
    if (unlink(inner) != 0) empty(inner, true);
  }
  closedir(dir);
  if (remove_it) rmdir(path);
}

static void remove_root(void) { empty(root, true); }

/* A folder beside which lies what must not change, with links that lead there. */
static void make_world(void) {
  if (root[0] == '\0') {
    snprintf(root, sizeof root, "%s/helios-fuzz-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(root) == NULL) abort();
    snprintf(folder, sizeof folder, "%s/run", root);
    if (mkdir(folder, 0755) != 0) abort();
    put_file(in(root, "sentinel"), SENTINEL, sizeof SENTINEL);
    atexit(remove_root);
  }
  empty(folder, false);
  if (symlink("../sentinel", in(folder, "evil")) != 0 || symlink("..", in(folder, "up")) != 0) abort();
  put_file(in(folder, "events"), "", 0);
}

static int count_names(const char *path) {
  int n = 0;
  DIR *dir = opendir(path);
  while (readdir(dir) != NULL) n++;
  closedir(dir);
  return n - 2;
}

static void check_outside(void) {
  char text[sizeof SENTINEL + 1];
  int fd = open(in(root, "sentinel"), O_RDONLY);
  if (fd < 0 || read(fd, text, sizeof text) != (ssize_t)sizeof SENTINEL) abort();
  close(fd);
  if (memcmp(text, SENTINEL, sizeof SENTINEL) != 0 || count_names(root) != 2) abort();
}

/* ---- sound files ------------------------------------------------------------------------------------------ */

static size_t put_entry(unsigned char *ring, size_t at, uint32_t slot, const char *text) {
  unsigned char *payload = ring + at + sizeof(hl_entry);
  size_t n = strlen(text);
  memcpy(payload + HL_RECORD_HEADER, text, n);
  hl_record_seal(payload, n);
  n += HL_RECORD_OVERHEAD;
  hl_entry e = {.size = (uint32_t)n, .target = slot, .crc = hl_crc32c(0, payload, n), .records = 1 << 2};
  memcpy(ring + at, &e, sizeof e);
  return at + hl_entry_space(n);
}

static size_t sound_pending(unsigned char *file, bool log) {
  hl_pending_header *h = (hl_pending_header *)(void *)file;
  unsigned char *slots = file + HL_PENDING_HEADER, *ring = slots + SLOTS * SLOT_SIZE;
  memset(file, 0, PENDING_SIZE);
  h->version = HL_PENDING_VERSION;
  h->flags = log ? HL_PENDING_SHARED_LOG : 0;
  h->capacity = CAPACITY;
  h->slot_count = log ? 1 : SLOTS;
  h->slot_size = log ? SLOTS * SLOT_SIZE : SLOT_SIZE;
  h->magic = HL_PENDING_MAGIC;
  for (int i = 0; i < (int)h->slot_count; i++) {
    hl_pending_slot *s = (hl_pending_slot *)(void *)(slots + i * SLOT_SIZE);
    s->used = 1;
    snprintf((char *)s + offsetof(hl_pending_slot, path), 40, i == 0 ? "events" : "up/sub/evil");
  }
  size_t at = put_entry(ring, 0, 0, "first");
  at = put_entry(ring, at, 1, "second");
  h->head = put_entry(ring, at, 0, "third");
  return PENDING_SIZE;
}

static size_t sound_spool(unsigned char *file) {
  hl_spool_header *h = (hl_spool_header *)(void *)file;
  memset(file, 0, SPOOL_SIZE);
  h->magic = HL_SPOOL_MAGIC;
  h->version = HL_SPOOL_VERSION;
  h->capacity = SPOOL_BYTES;
  h->full = 1;
  h->call = (hl_media_call){.kind = HL_MEDIA_IMAGE, .dtype = HELIOS_UINT8, .ndim = 3, .tag_length = 1, .data_size = 48,
                            .params = {.text = "CHW"}, .shape = {3, 4, 4}, .stride = {16, 4, 1}, .path = "events"};
  file[HL_SPOOL_HEADER] = 'x';
  return SPOOL_SIZE;
}

static void change(unsigned char *file, size_t size, const uint8_t *data, size_t n) {
  while (n >= 4) {
    size_t at = (size_t)(data[0] | data[1] << 8) % size, count = data[2];
    if (count > n - 3) count = n - 3;
    if (count > size - at) count = size - at;
    memcpy(file + at, data + 3, count);
    data += 3 + count;
    n -= 3 + count;
  }
}

static void mend_checksums(unsigned char *file, size_t size, int kind) {
  if (kind == 2) {
    hl_spool_header *h = (hl_spool_header *)(void *)file;
    if (size >= HL_SPOOL_HEADER && h->call.tag_length <= size - HL_SPOOL_HEADER)
      h->crc = hl_spool_crc(&h->call, file + HL_SPOOL_HEADER);
    return;
  }
  for (size_t at = PENDING_SIZE - CAPACITY; at + sizeof(hl_entry) < size;) {
    hl_entry e;
    memcpy(&e, file + at, sizeof e);
    if (e.size > size - at - sizeof e) return;
    e.crc = hl_crc32c(0, file + at + sizeof e, e.size);
    memcpy(file + at, &e, sizeof e);
    at += hl_entry_space(e.size);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static _Alignas(64) unsigned char file[65536];
  if (size == 0) return 0;
  int kind = data[0] % 4 % 3;
  bool raw = data[0] & 4;
  size_t n = raw ? size - 1 : kind == 2 ? sound_spool(file) : sound_pending(file, kind == 1);
  if (n > sizeof file) return 0;
  if (raw) memcpy(file, data + 1, n);
  else change(file, n, data + 1, size - 1);
  if (data[0] & 8) mend_checksums(file, n, kind);
  make_world();
  put_file(in(folder, kind == 2 ? ".helios-media-1-1.media" : ".helios-run-1-1.pending"), file, n);
  for (int again = 0; again < 2; again++)
    hl_recover_folder(&hl_env_system, &sparing, folder, kind == 1 ? "events" : NULL, NULL, NULL);
  check_outside();
  return 0;
}
