/* test_media.c - images on their way through workers: each arrives once, in the order of its tag, also when the process
 * is killed in between. */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "broken_env.h"
#include "check.h"
#include "helios/helios.h"
#include "recover.h"
#include "scratch.h"
#include "wire.h"
#include "writer_impl.h"

static _Atomic long *acknowledged;

enum { SIDE = 96 };

static DLTensor image_of(unsigned char *pixels, int64_t *shape, int number) {
  memset(pixels, number & 0xff, (size_t)3 * SIDE * SIDE);
  shape[0] = 3;
  shape[1] = shape[2] = SIDE;
  return (DLTensor){.data = pixels, .device = {kDLCPU, 0}, .ndim = 3, .dtype = {kDLUInt, 8, 1}, .shape = shape};
}

static helios_status add(helios_writer *w, const char *tag, int number) {
  static unsigned char pixels[3 * SIDE * SIDE];
  int64_t shape[3];
  DLTensor t = image_of(pixels, shape, number);
  return helios_writer_add_image(w, tag, &t, "CHW", number + 1, NULL);
}

/* Steps of all events with a summary, in file order; returns how many, -1 when the file does not parse. */
static int read_steps(const char *folder, int64_t *steps, int most) {
  char path[512];
  size_t size = 0, at = 0;
  int n = 0;
  if (scratch_count(folder, "events.out.tfevents.", path, sizeof path) != 1) return 0;
  char *data = scratch_read(path, &size);
  while (at < size) {
    uint64_t length = hl_get_le64((unsigned char *)data + at);
    if (length > size - at - 16) break;
    hl_wire_reader r;
    hl_wire_item item;
    int64_t step = 0;
    bool summary = false;
    hl_wire_read(&r, data + at + 12, (size_t)length);
    while (hl_wire_next(&r, &item)) {
      if (item.field == 2) step = (int64_t)item.value;
      summary |= item.field == 5;
    }
    if (summary && n < most) steps[n++] = step;
    at += length + 16;
  }
  free(data);
  return at == size ? n : -1;
}

static int ascending_from_one(const int64_t *steps, int n) {
  for (int i = 0; i < n; i++)
    if (steps[i] != i + 1) return 0;
  return 1;
}

static void images_arrive_in_order(int threads) {
  const char *folder = scratch_dir(0);
  helios_writer *w;
  int64_t steps[400];
  helios_writer_options o = {.size = sizeof o, .threads = threads};
  CHECK_INT(helios_writer_open(folder, &o, &w, NULL, 0), HELIOS_OK);
  for (int i = 0; i < 200; i++) CHECK(add(w, "same", i) == HELIOS_OK);
  helios_stats stats = {.size = sizeof stats};
  helios_writer_stats(w, &stats);
  CHECK_INT(stats.events, 200); /* accepted, whether they are encoded or not */
  CHECK_INT(helios_writer_flush(w), HELIOS_OK);
  CHECK_INT(read_steps(folder, steps, 400), 200);
  CHECK(ascending_from_one(steps, 200));
  helios_writer_stats(w, &stats);
  CHECK_INT(stats.pending, 0);
  for (int i = 0; i < 50; i++) add(w, "same", 200 + i);
  CHECK_INT(helios_writer_close(w), HELIOS_OK);
  CHECK_INT(read_steps(folder, steps, 400), 250);
  CHECK(ascending_from_one(steps, 250));
  CHECK_INT(scratch_count(folder, "", NULL, 0), 1);
  helios_writer_free(w);
  scratch_remove(folder);
}

static void a_wrong_image_is_refused_at_once(void) {
  const char *folder = scratch_dir(0);
  helios_writer *w;
  helios_writer_open(folder, NULL, &w, NULL, 0);
  unsigned char pixels[3 * SIDE * SIDE];
  int64_t shape[3];
  DLTensor t = image_of(pixels, shape, 0);
  shape[0] = 2;
  CHECK_INT(helios_writer_add_image(w, "x", &t, "CHW", 0, NULL), HELIOS_EINVAL);
  CHECK_INT(helios_writer_add_image(w, "x", &t, "CHX", 0, NULL), HELIOS_EINVAL);
  helios_writer_free(w);
  CHECK_INT(scratch_count(folder, "", NULL, 0), 0);
  scratch_remove(folder);
}

static void a_forked_child_leaves_the_images_alone(void) {
  const char *folder = scratch_dir(0);
  helios_writer *w;
  int64_t steps[100];
  helios_writer_open(folder, NULL, &w, NULL, 0);
  for (int i = 0; i < 20; i++) add(w, "x", i);
  pid_t child = fork();
  if (child == 0) {
    int ok = add(w, "x", 99) == HELIOS_EFORKED && helios_writer_close(w) == HELIOS_EFORKED;
    if (!SANITIZED) helios_writer_free(w);
    _exit(ok ? 0 : 1);
  }
  int status;
  waitpid(child, &status, 0);
  CHECK_INT(status, 0);
  for (int i = 20; i < 40; i++) add(w, "x", i);
  CHECK_INT(helios_writer_close(w), HELIOS_OK);
  helios_writer_free(w);
  CHECK_INT(read_steps(folder, steps, 100), 40);
  CHECK(ascending_from_one(steps, 40));
  scratch_remove(folder);
}

static void an_emergency_meets_waiting_images(void) {
  const char *folder = scratch_dir(0);
  helios_writer *w;
  int64_t steps[100];
  helios_writer_open(folder, NULL, &w, NULL, 0);
  for (int i = 0; i < 20; i++) {
    add(w, "x", i);
    helios_emergency_flush();
  }
  CHECK_INT(helios_writer_close(w), HELIOS_OK);
  helios_writer_free(w);
  CHECK_INT(read_steps(folder, steps, 100), 20);
  CHECK(ascending_from_one(steps, 20));
  scratch_remove(folder);
}

/* A file operation that fails, whichever, costs no image: what cannot lie in a file lies on the heap. */
static void an_operation_fails_at_any_moment(void) {
  long at = 1;
  for (bool broke = true; broke; at++) {
    const char *folder = scratch_dir(0);
    helios_writer *w = NULL;
    int64_t steps[10];
    hl_error err = {.status = HELIOS_OK};
    hl_env env = broken_env();
    break_at(BREAK_ONCE, at, EIO);
    if (hl_writer_open(&env, folder, &(helios_writer_options){.size = sizeof(helios_writer_options)}, &w, &err) == HELIOS_OK) {
      for (int i = 0; i < 3; i++) CHECK_INT(add(w, "x", i), HELIOS_OK);
      helios_writer_flush(w); /* the failure may be told here */
      helios_writer_close(w);
      helios_writer_free(w);
      broke = broken.count >= at;
      if (!CHECK_INT(read_steps(folder, steps, 10), 3)) fprintf(stderr, "  operation %ld failed\n", at);
      CHECK(ascending_from_one(steps, 3));
    }
    scratch_remove(folder);
  }
  CHECK(at > 20);
  break_at(BREAK_NEVER, 0, 0);
}

/* ---- killed ------------------------------------------------------------------------------------------------ */

static void check_after_kill(const char *folder, long round) {
  static int64_t steps[100000];
  CHECK_INT(helios_recover(folder, NULL, NULL, 0), HELIOS_OK);
  int found = read_steps(folder, steps, 100000);
  if (!CHECK(found >= 0 && (found == *acknowledged || found == *acknowledged + 1) && ascending_from_one(steps, found)))
    fprintf(stderr, "  round %ld: %d found, %ld acknowledged\n", round, found, (long)*acknowledged);
  CHECK_INT(scratch_count(folder, ".helios", NULL, 0), 0);
  scratch_remove(folder);
}

static void killed_at_random_moments(void) {
  for (int round = 0; round < 40; round++) {
    const char *folder = scratch_dir(0);
    *acknowledged = 0;
    pid_t child = fork();
    if (child == 0) {
      helios_writer *w;
      if (helios_writer_open(folder, NULL, &w, NULL, 0) != HELIOS_OK) _exit(2);
      for (int i = 0; i < 10000; i++)
        if (add(w, "x", i) == HELIOS_OK) ++*acknowledged;
      pause();
    }
    usleep((useconds_t)(2000 + round * 731));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    check_after_kill(folder, round);
  }
}

/* A worker that gets no memory, nor ever an answer: what it was to encode waits. */
static pthread_t caller;

static void *caller_only(void *ctx, void *p, size_t old_size, size_t size) {
  (void)ctx, (void)old_size;
  while (!pthread_equal(pthread_self(), caller)) pause();
  if (size > 0) return realloc(p, size);
  free(p);
  return NULL;
}

static const helios_allocator no_workers = {.realloc = caller_only};

/* A folder with images that waited when their process was killed. */
static const char *killed_with_images(void) {
  const char *folder = scratch_dir(0);
  *acknowledged = 0;
  pid_t child = fork();
  if (child == 0) {
    helios_writer *w;
    helios_writer_options o = {.size = sizeof o, .flush_secs = 1000, .allocator = &no_workers};
    caller = pthread_self();
    helios_writer_open(folder, &o, &w, NULL, 0);
    for (int i = 0; i < 30; i++)
      if (add(w, "x", i) == HELIOS_OK) ++*acknowledged;
    kill(getpid(), SIGKILL);
  }
  waitpid(child, NULL, 0);
  return folder;
}

/* Recovery is killed at each of its operations in turn. */
static void killed_at_every_operation_of_recovery(void) {
  const char *folder = killed_with_images();
  pid_t child;
  for (int kind = 0; kind < 2; kind++)
    for (long at = 1;; at++) {
      child = fork();
      if (child == 0) {
        hl_env env = broken_env();
        break_at(kind == 0 ? BREAK_KILL_BEFORE : BREAK_KILL_AFTER, at, 0);
        hl_recover_folder(&env, NULL, folder, NULL, NULL, NULL);
        _exit(0);
      }
      int status;
      waitpid(child, &status, 0);
      if (!WIFSIGNALED(status)) break;
    }
  check_after_kill(folder, 0);
}

static _Atomic bool starved;

static void *worker_starves(void *ctx, void *p, size_t old_size, size_t size) {
  (void)ctx;
  bool worker = !pthread_equal(pthread_self(), caller);
  if (size > old_size && worker && starved) return NULL;
  if (size > 0) return realloc(p, size);
  free(p);
  return NULL;
}

/* An image that was accepted and for which no memory can be had any more is counted as dropped, and told once. */
static void an_image_that_cannot_be_encoded_is_told(void) {
  const char *folder = scratch_dir(0);
  const helios_allocator allocator = {.realloc = worker_starves};
  helios_writer_options o = {.size = sizeof o, .allocator = &allocator};
  helios_writer *w;
  caller = pthread_self();
  starved = true;
  CHECK_INT(helios_writer_open(folder, &o, &w, NULL, 0), HELIOS_OK);
  CHECK_INT(add(w, "x", 0), HELIOS_OK);
  helios_stats stats = {.size = sizeof stats, .dropped = 0};
  for (int i = 0; i < 20000 && stats.dropped == 0; i++) { /* a worker has its turn: in a flush the caller would take it */
    usleep(1000);
    helios_writer_stats(w, &stats);
  }
  starved = false;
  CHECK_INT(stats.dropped, 1);
  CHECK_INT(helios_writer_flush(w), HELIOS_EDROPPED);
  CHECK_INT(add(w, "x", 0), HELIOS_OK);
  CHECK_INT(helios_writer_close(w), HELIOS_OK);
  helios_writer_free(w);
  int64_t steps[4];
  CHECK_INT(read_steps(folder, steps, 4), 1);
  scratch_remove(folder);
}

static void recovered_by_several_at_once(void) {
  enum { ROUNDS = 12, AT_ONCE = 4 };
  for (int round = 0; round < ROUNDS; round++) {
    const char *folder = killed_with_images();
    pid_t children[AT_ONCE];
    for (int i = 0; i < AT_ONCE; i++) {
      children[i] = fork();
      if (children[i] == 0) _exit(helios_recover(folder, NULL, NULL, 0) == HELIOS_OK ? 0 : 1);
    }
    for (int i = 0; i < AT_ONCE; i++) {
      int status = 1;
      waitpid(children[i], &status, 0);
      CHECK_INT(status, 0);
    }
    check_after_kill(folder, round);
  }
}

/* ---- what recovery finds ------------------------------------------------------------------------------------ */

enum { MOST_LOCKED = 64 };

/* Hold the locks of the files whose names begin so, as an owner who is not quite dead yet. */
static int lock_files(const char *folder, const char *prefix, int *fds) {
  int n = 0;
  DIR *dir = opendir(folder);
  for (struct dirent *e; (e = readdir(dir)) != NULL && n < MOST_LOCKED;) {
    char path[600];
    if (strncmp(e->d_name, prefix, strlen(prefix)) != 0) continue;
    snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
    fds[n] = open(path, O_RDWR | O_CLOEXEC);
    CHECK_INT(flock(fds[n++], LOCK_EX | LOCK_NB), 0);
  }
  closedir(dir);
  return n;
}

static void unlock_files(const int *fds, int n) {
  while (n > 0) close(fds[--n]);
}

/* The system takes a dying process' locks back one by one: its spools are free, its pending file is not yet. Whoever
 * recovers that cuts the event file, so nothing may be added before. */
static void spools_wait_for_their_pending_file(void) {
  const char *folder = killed_with_images();
  int fds[MOST_LOCKED];
  int locked = lock_files(folder, ".helios-run", fds);
  helios_recovery found = {.size = sizeof found};
  CHECK_INT(locked, 1);
  CHECK_INT(helios_recover(folder, &found, NULL, 0), HELIOS_OK);
  CHECK_INT(found.live_files, 1 + *acknowledged);
  CHECK_INT(found.records, 0);
  CHECK_INT(scratch_count(folder, ".helios-media", NULL, 0), *acknowledged);
  unlock_files(fds, locked);
  check_after_kill(folder, 0);
}

/* Recover all but the spools; the event file's path. */
static const char *recover_without_spools(const char *folder) {
  static char path[600];
  int fds[MOST_LOCKED], locked = lock_files(folder, ".helios-media", fds);
  CHECK_INT(locked, *acknowledged);
  CHECK_INT(helios_recover(folder, NULL, NULL, 0), HELIOS_OK);
  unlock_files(fds, locked);
  CHECK_INT(scratch_count(folder, "events.out.tfevents.", path, sizeof path), 1);
  return path;
}

static void an_event_file_that_is_gone_is_begun_anew(void) {
  const char *folder = killed_with_images();
  unlink(recover_without_spools(folder));
  CHECK_INT(helios_recover(folder, NULL, NULL, 0), HELIOS_OK);
  char path[600];
  size_t size = 0;
  CHECK_INT(scratch_count(folder, "events.out.tfevents.", path, sizeof path), 1);
  char *data = scratch_read(path, &size);
  CHECK(size > 48 && memmem(data, 48, "brain.Event:2", 13) != NULL);
  free(data);
  scratch_remove(folder);
}

/* Damage from before is no torn end of ours: nothing behind it is cut away. */
static void damage_is_left_alone(size_t at) {
  const char *folder = killed_with_images();
  const char *path = recover_without_spools(folder);
  size_t before, after;
  FILE *f = fopen(path, "r+b");
  CHECK(f != NULL && fseek(f, (long)at, SEEK_SET) == 0 && fputc('!', f) == '!' && fclose(f) == 0);
  char *old = scratch_read(path, &before);
  CHECK_INT(helios_recover(folder, NULL, NULL, 0), HELIOS_OK);
  char *new = scratch_read(path, &after);
  CHECK(after > before && memcmp(old, new, before) == 0);
  CHECK_INT(scratch_count(folder, ".helios", NULL, 0), 0);
  free(old);
  free(new);
  scratch_remove(folder);
}

int main(void) {
  acknowledged = mmap(NULL, sizeof *acknowledged, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  images_arrive_in_order(0);
  images_arrive_in_order(-1);
  a_wrong_image_is_refused_at_once();
  a_forked_child_leaves_the_images_alone();
  an_emergency_meets_waiting_images();
  an_operation_fails_at_any_moment();
  an_image_that_cannot_be_encoded_is_told();
  killed_at_random_moments();
  killed_at_every_operation_of_recovery();
  recovered_by_several_at_once();
  spools_wait_for_their_pending_file();
  an_event_file_that_is_gone_is_begun_anew();
  damage_is_left_alone(0);
  damage_is_left_alone(20);
  return check_done("media");
}
