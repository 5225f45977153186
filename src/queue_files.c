/* queue_files.c - the files behind a queue: opened when a drain needs them, closed when descriptors run short, their
 * folders made anew when somebody removed them. */
#include <errno.h>
#include <string.h>

#include "queue_impl.h"

enum { MOST_OPEN_FILES = 32 }; /* of one queue: the host needs descriptors too */

static hl_queue_target *least_recently_used(hl_queue *q, const hl_queue_target *but, size_t *open) {
  hl_queue_target *oldest = NULL;
  *open = 0;
  for (size_t i = 0; i < q->target_count; i++) {
    hl_queue_target *t = q->targets[i];
    if (t == but || t->file.fd < 0) continue;
    ++*open;
    if (oldest == NULL || t->last_used < oldest->last_used) oldest = t;
  }
  return oldest;
}

/* So that at most `most` others stay open. False when there is nothing to close. */
static bool close_one_file(hl_queue *q, const hl_queue_target *but, size_t most) {
  size_t open;
  hl_queue_target *t = least_recently_used(q, but, &open);
  if (t == NULL || open <= most) return false;
  hl_target_close(&t->file, q->env);
  return true;
}

static bool descriptors_ran_short(int code) { return code == EMFILE || code == ENFILE; }

/* Somebody removed the folder, or it could not be made earlier. The path is copied: others read it meanwhile. */
static bool make_folder(const hl_queue *q, const char *path) {
  char folder[4096];
  int code;
  size_t n = (size_t)(strrchr(path, '/') - path);
  if (n == 0 || n >= sizeof folder) return false;
  memcpy(folder, path, n);
  folder[n] = '\0';
  return hl_env_make_dirs(q->env, folder, &code) == 0;
}

/* create: only a file that is not there yet. */
helios_status hl_queue_open_file(hl_queue *q, hl_queue_target *t, bool create, hl_error *err) {
  if (t->file.fd >= 0) return HELIOS_OK;
  close_one_file(q, t, MOST_OPEN_FILES - 1);
  for (bool folder_made = false;;) {
    hl_error attempt = {.status = HELIOS_OK};
    int code = 0;
    helios_status st = hl_target_open(&t->file, q->env, create, &code, err == NULL ? NULL : &attempt);
    if (st == HELIOS_OK) return HELIOS_OK;
    if (descriptors_ran_short(code) && close_one_file(q, t, 0)) continue;
    if (code == ENOENT && !folder_made && (folder_made = make_folder(q, t->file.path))) continue;
    if (err != NULL) *err = attempt;
    return st;
  }
}

typedef struct place {
  hl_queue *q;
  hl_queue_target *t;
  uint64_t end;
} place;

/* A batch is about to be written at `length`: recovery will look there for it. `lock` keeps the slot from being given
 * to another target. */
static void note_place(void *ctx, int64_t length) {
  place *p = ctx;
  pthread_mutex_lock(&p->q->lock);
  if (p->t->slot != HL_NO_SLOT)
    hl_pending_mark_slot(&p->q->ring, p->t->slot,
                         (hl_pending_mark){.upto = p->t->upto, .length = length, .busy = p->end});
  pthread_mutex_unlock(&p->q->lock);
}

/* The log ends within a line of somebody who may be dead. */
static bool mend_log(void *ctx) {
  const place *p = ctx;
  return p->q->options.mend_log(p->q->env, &p->q->alloc, p->t->file.path);
}

bool hl_queue_write_file(hl_queue *q, hl_queue_target *t, const void *data, size_t n, uint64_t end) {
  hl_error err = {.status = HELIOS_OK}, *why = q->quiet ? NULL : &err;
  place where = {q, t, end};
  hl_target_calls calls = {note_place, q->options.mend_log != NULL && !q->quiet ? mend_log : NULL, &where};
  int code;
  t->last_used = ++q->rounds;
  hl_target_look(&t->file, q->env);
  helios_status st = hl_queue_open_file(q, t, false, why);
  if (st == HELIOS_OK) st = hl_target_write(&t->file, q->env, data, n, &calls, &code, why);
  t->failed = st != HELIOS_OK;
  if (t->failed && why != NULL) hl_queue_note_failure(q, why);
  return !t->failed;
}
