/* media.c - the workers of the process, the jobs that wait for them, and the spools that keep the jobs' tensors.
 *
 * One lock for the pool: the list of jobs, who works on what, the number of threads, and every owner's spools. Encoding
 * and pushing happen without it. */
#include "media.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "flusher.h"
#include "fork.h"

enum {
  SMALLEST_JOB = 8 * 1024,      /* below, handing over costs about what encoding does */
  SMALLEST_SPOOL = 64 * 1024,
  MOST_WORKERS = 4
};

static const size_t MOST_WAITING = 64 * 1024 * 1024; /* bytes, of the whole process */
/* Bytes of spools that one writer keeps for later calls: one that was used before has its pages. */
static const size_t MOST_IDLE = 64 * 1024 * 1024;

typedef struct job {
  struct job *next;
  hl_media *owner;
  hl_spool *spool;
  uint32_t tag_hash;
  size_t bytes;
  bool running;
} job;

struct hl_media {
  hl_flusher_client client; /* for fork only */
  hl_media_options options;
  uint_fast32_t generation;
  uint64_t waiting_jobs, waiting_bytes;
  _Atomic uint64_t accepted;
  hl_spool *spools;
  bool closed;
  bool attached; /* counts among the pool's owners */
};

static struct {
  pthread_mutex_t lock;
  pthread_cond_t work;    /* a job came, or the end */
  pthread_cond_t done;    /* a job ended */
  job *first, **end;      /* waiting and running, oldest first */
  size_t bytes;
  int64_t last_order;
  unsigned owners, workers;
  unsigned wanted;        /* workers that are sensible here */
  uintptr_t generation;   /* of the threads: those of an older one end */
  pthread_t threads[MOST_WORKERS];
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* ---- fork ---------------------------------------------------------------------------------------------- */

static void before_fork(void) { pthread_mutex_lock(&pool.lock); }
static void in_parent(void) { pthread_mutex_unlock(&pool.lock); }

/* The child's only thread is the one that took the lock; whoever waited for the conditions is not there. */
static void in_child(void) {
  pthread_cond_init(&pool.work, NULL);
  pthread_cond_init(&pool.done, NULL);
  pool.first = NULL;
  pool.end = &pool.first;
  pool.bytes = 0;
  pool.owners = pool.workers = 0;
  pthread_mutex_unlock(&pool.lock);
}

static unsigned sensible_workers(void) {
  long cpus = sysconf(_SC_NPROCESSORS_ONLN); /* reads a file: once */
  return cpus <= 2 ? 1 : cpus > MOST_WORKERS ? MOST_WORKERS : (unsigned)cpus - 1;
}

static void init(void) {
  pool.end = &pool.first;
  pool.wanted = sensible_workers();
  pthread_atfork(before_fork, in_parent, in_child);
}

static void forked(hl_flusher_client *client) {
  hl_media *m = (hl_media *)(void *)client;
  for (hl_spool *s = m->spools; s != NULL; s = s->next) hl_spool_abandon(s, m->options.env);
}

static bool alive(const hl_media *m) { return m->generation == hl_fork_generation(); }

/* ---- encoding ------------------------------------------------------------------------------------------- */

helios_status hl_media_encode(hl_buf *out, hl_str tag, const hl_media_call *call, const void *data, hl_error *err) {
  int64_t shape[HELIOS_MAX_NDIM], stride[HELIOS_MAX_NDIM];
  memcpy(shape, call->shape, sizeof shape);
  memcpy(stride, call->stride, sizeof stride);
  DLTensor t = {.data = (void *)(uintptr_t)data,
                .device = {kDLCPU, 0},
                .ndim = call->ndim,
                .dtype = helios_dtype_to_dl((helios_dtype)call->dtype),
                .shape = shape,
                .strides = stride};
  switch ((hl_media_kind)call->kind) {
    case HL_MEDIA_IMAGE: return hl_encode_image(out, tag, &t, call->params.text, "img", err);
    case HL_MEDIA_VIDEO: return hl_encode_video(out, tag, &t, call->params.number, err);
    case HL_MEDIA_AUDIO: return hl_encode_audio(out, tag, &t, call->params.number, err);
    default: return hl_fail(err, HELIOS_EFORMAT, "unknown kind of media");
  }
}

static helios_status encode_and_push(hl_media *m, const hl_media_call *call, hl_str tag, const void *data) {
  hl_buf b;
  hl_str record;
  hl_buf_init(&b, m->options.alloc);
  size_t mark = hl_event_begin(&b);
  helios_status st = hl_media_encode(&b, tag, call, data, NULL);
  if (st == HELIOS_OK) st = hl_event_end(&b, mark, &call->event, HL_EVENT_SUMMARY, &record);
  if (st == HELIOS_OK) st = m->options.sink(m->options.ctx, record);
  hl_buf_free(&b);
  return st;
}

/* ---- jobs ------------------------------------------------------------------------------------------------ */

/* The oldest job of which no older one of the same tag is unfinished. Lock held. */
static job *next_job(void) {
  for (job *j = pool.first; j != NULL; j = j->next) {
    if (j->running) continue;
    bool behind = false;
    for (const job *older = pool.first; older != j && !behind; older = older->next)
      behind = older->owner == j->owner && older->tag_hash == j->tag_hash;
    if (!behind) return j;
  }
  return NULL;
}

static void unlink_job(job *j) {
  job **at = &pool.first;
  while (*at != j) at = &(*at)->next;
  *at = j->next;
  if (pool.end == &j->next) pool.end = at;
}

/* Lock held. */
static void drop_spool(hl_media *m, hl_spool *s) {
  hl_spool **at = &m->spools;
  while (*at != s) at = &(*at)->next;
  *at = s->next;
  hl_spool_close(s, m->options.env, m->options.alloc);
}

/* A spool is kept for the next call, unless there are enough. Lock held. */
static void give_back_spool(hl_media *m, hl_spool *s) {
  size_t idle = 0;
  s->busy = false;
  for (const hl_spool *other = m->spools; other != NULL; other = other->next) idle += other->busy ? 0 : other->capacity;
  if (idle > MOST_IDLE) drop_spool(m, s);
}

/* One of the waiting jobs is none any more, and who waits for that may look again. Lock held. */
static void end_job(hl_media *m) {
  m->waiting_jobs--;
  pthread_cond_broadcast(&pool.done);
}

/* Lock held on entry and exit, given away meanwhile. */
static void do_job(job *j) {
  hl_media *m = j->owner;
  const hl_spool_header *h = j->spool->header;
  const unsigned char *bytes = hl_spool_bytes(h);
  j->running = true;
  pthread_mutex_unlock(&pool.lock);
  hl_str tag = {(const char *)bytes, h->call.tag_length};
  helios_status st = encode_and_push(m, &h->call, tag, bytes + hl_spool_data_at(tag.len));
  if (st != HELIOS_OK) m->options.failed(m->options.ctx, st);
  hl_spool_clear(j->spool);
  pthread_mutex_lock(&pool.lock);
  unlink_job(j);
  pool.bytes -= j->bytes;
  m->waiting_bytes -= j->bytes;
  give_back_spool(m, j->spool);
  hl_free(m->options.alloc, j, sizeof *j);
  end_job(m);
}

static void *work(void *generation) {
  pthread_mutex_lock(&pool.lock);
  while (pool.generation == (uintptr_t)generation) {
    job *j = next_job();
    if (j != NULL) do_job(j);
    else pthread_cond_wait(&pool.work, &pool.lock);
  }
  pthread_mutex_unlock(&pool.lock);
  return NULL;
}

/* ---- threads ---------------------------------------------------------------------------------------------- */

/* One more for each job that waits, up to what is sensible. Lock held. A thread that cannot be had is no failure:
 * whoever waits for a job does it. */
static void start_worker(void) {
  if (pool.workers >= pool.wanted) return;
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  if (pthread_create(&pool.threads[pool.workers], NULL, work, (void *)pool.generation) == 0) pool.workers++;
  pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void attach(hl_media *m) {
  if (m->attached) return;
  m->attached = true;
  pool.owners++;
}

/* The last owner ends the threads. Lock held; given away meanwhile. */
static void detach(hl_media *m) {
  if (!m->attached) return;
  m->attached = false;
  if (--pool.owners > 0) return;
  pthread_t ended[MOST_WORKERS];
  unsigned count = pool.workers;
  memcpy(ended, pool.threads, sizeof ended);
  pool.workers = 0;
  pool.generation++;
  pthread_cond_broadcast(&pool.work);
  pthread_mutex_unlock(&pool.lock);
  for (unsigned i = 0; i < count; i++) pthread_join(ended[i], NULL);
  pthread_mutex_lock(&pool.lock);
}

/* ---- adding ------------------------------------------------------------------------------------------------ */

static uint32_t hash_of(hl_str tag) {
  uint32_t h = 2166136261u;
  for (size_t i = 0; i < tag.len; i++) h = (h ^ (unsigned char)tag.data[i]) * 16777619u;
  return h;
}

static bool tag_has_jobs(const hl_media *m, uint32_t tag_hash) {
  for (const job *j = pool.first; j != NULL; j = j->next)
    if (j->owner == m && j->tag_hash == tag_hash) return true;
  return false;
}

static hl_spool *idle_spool(hl_media *m, size_t size) {
  hl_spool *best = NULL;
  for (hl_spool *s = m->spools; s != NULL; s = s->next)
    if (!s->busy && s->capacity >= size && (best == NULL || s->capacity < best->capacity)) best = s;
  return best != NULL && best->capacity / 8 <= size ? best : NULL; /* a thumbnail does not hold a poster's file */
}

static size_t rounded_capacity(size_t size) {
  size_t capacity = SMALLEST_SPOOL;
  while (capacity < size && capacity < SIZE_MAX / 4) capacity += capacity / 2 / 4096 * 4096;
  return capacity;
}

/* Listed before it has a file: a child forked meanwhile must find the lock that it inherits. Lock held on entry and
 * exit, given away while the file is made. folder NULL: on the heap. */
static hl_spool *new_spool(hl_media *m, size_t size, const char *folder) {
  hl_spool *s = hl_spool_new(m->options.alloc, rounded_capacity(size));
  if (s == NULL) return NULL;
  s->busy = true;
  s->next = m->spools;
  m->spools = s;
  pthread_mutex_unlock(&pool.lock);
  bool opened = hl_spool_open(s, m->options.env, m->options.alloc, folder);
  pthread_mutex_lock(&pool.lock);
  if (!opened) drop_spool(m, s);
  return opened ? s : NULL;
}

/* As new_spool. */
static hl_spool *take_spool(hl_media *m, size_t size) {
  hl_spool *s = idle_spool(m, size);
  if (s == NULL) return new_spool(m, size, m->options.folder);
  s->busy = true;
  return s;
}

/* A spool with the call in it; on the heap when the disk fails meanwhile. NULL when out of memory. Lock held on entry
 * and exit, given away meanwhile. */
static hl_spool *spool_with(hl_media *m, const hl_media_call *call, hl_str tag, const hl_array *values, size_t size) {
  hl_spool *s = take_spool(m, size);
  while (s != NULL) {
    pthread_mutex_unlock(&pool.lock);
    bool filled = hl_spool_fill(s, m->options.env, call, tag, values);
    pthread_mutex_lock(&pool.lock);
    if (filled) break;
    drop_spool(m, s);
    s = new_spool(m, size, NULL);
  }
  return s;
}

/* Help until `size` more bytes may wait. Lock held. */
static void make_room(size_t size) {
  while (pool.bytes > 0 && pool.bytes + size > MOST_WAITING) {
    job *j = next_job();
    if (j != NULL) do_job(j);
    else pthread_cond_wait(&pool.done, &pool.lock);
  }
}

/* Lock held. */
static int64_t next_order(const hl_media *m) {
  int64_t now = m->options.env->monotonic_ns(m->options.env);
  pool.last_order = now > pool.last_order ? now : pool.last_order + 1;
  return pool.last_order;
}

/* The job counts as waiting from the start: close and flush must not overtake it while the lock is given away. Lock
 * held on entry and exit. */
static helios_status enqueue(hl_media *m, hl_media_call *call, hl_str tag, const hl_array *values,
                             uint32_t tag_hash) {
  size_t size = hl_spool_data_at(tag.len) + (size_t)call->data_size;
  job *j = hl_alloc(m->options.alloc, sizeof *j);
  if (j == NULL) return HELIOS_ENOMEM;
  m->waiting_jobs++;
  make_room(size);
  call->order = next_order(m);
  hl_spool *s = spool_with(m, call, tag, values, size);
  if (s == NULL) {
    hl_free(m->options.alloc, j, sizeof *j);
    end_job(m);
    return HELIOS_ENOMEM;
  }
  *j = (job){.owner = m, .spool = s, .tag_hash = tag_hash, .bytes = size};
  *pool.end = j;
  pool.end = &j->next;
  pool.bytes += size;
  m->waiting_bytes += size;
  attach(m);
  start_worker();
  return HELIOS_OK;
}

/* After the lock: woken under it, a worker would only run into it. */
static void tell_of_a_job(void) {
  pthread_cond_signal(&pool.work);
  pthread_cond_broadcast(&pool.done); /* who waits for this job may have to do it: there may be no worker */
}

static helios_status do_now(hl_media *m, hl_media_call *call, hl_str tag, const hl_array *values) {
  int64_t size = (int64_t)helios_dtype_size(values->dtype);
  for (int d = 0; d < values->ndim; d++) {
    if (values->stride[d] % size != 0) return HELIOS_EINVAL; /* not from a DLTensor */
    call->stride[d] = values->stride[d] / size;
  }
  return encode_and_push(m, call, tag, values->data);
}

helios_status hl_media_add(hl_media *m, hl_media_call *call, hl_str tag, const hl_array *values) {
  call->tag_length = (uint32_t)tag.len;
  call->data_size = values->numel * helios_dtype_size(values->dtype);
  call->dtype = (uint32_t)values->dtype;
  call->ndim = values->ndim;
  memcpy(call->shape, values->shape, sizeof call->shape);
  bool small = !m->options.threads || call->data_size < SMALLEST_JOB;
  uint32_t tag_hash = hash_of(tag);
  pthread_mutex_lock(&pool.lock);
  bool now = small && !tag_has_jobs(m, tag_hash);
  helios_status st = m->closed ? HELIOS_ECLOSED : now ? HELIOS_OK : enqueue(m, call, tag, values, tag_hash);
  pthread_mutex_unlock(&pool.lock);
  if (st == HELIOS_OK && now) st = do_now(m, call, tag, values);
  else if (st == HELIOS_OK) tell_of_a_job();
  if (st == HELIOS_OK) m->accepted++;
  return st;
}

/* ---- lifecycle ----------------------------------------------------------------------------------------------- */

hl_media *hl_media_open(const hl_media_options *options) {
  pthread_once(&once, init);
  hl_media *m = hl_alloc_zeroed(options->alloc, 1, sizeof *m);
  if (m == NULL) return NULL;
  m->options = *options;
  m->client.forked = forked;
  m->generation = hl_fork_generation();
  hl_flusher_attach(&m->client);
  return m;
}

/* Lock held. */
static void wait_for_jobs(hl_media *m) {
  while (m->waiting_jobs > 0) {
    job *j = next_job();
    if (j != NULL) do_job(j);
    else pthread_cond_wait(&pool.done, &pool.lock);
  }
}

void hl_media_wait(hl_media *m) {
  pthread_mutex_lock(&pool.lock);
  wait_for_jobs(m);
  pthread_mutex_unlock(&pool.lock);
}

void hl_media_count(hl_media *m, uint64_t *calls, uint64_t *bytes) {
  pthread_mutex_lock(&pool.lock);
  *calls = m->accepted;
  *bytes = m->waiting_bytes;
  pthread_mutex_unlock(&pool.lock);
}

static void close_spools(hl_media *m) {
  while (m->spools != NULL) drop_spool(m, m->spools);
}

void hl_media_close(hl_media *m) {
  pthread_mutex_lock(&pool.lock);
  bool was_closed = m->closed;
  m->closed = true;
  wait_for_jobs(m);
  close_spools(m); /* under the lock, which fork takes: a child sees each spool open or gone */
  detach(m);
  pthread_mutex_unlock(&pool.lock);
  if (was_closed) return;
  hl_flusher_detach(&m->client);
}

void hl_media_free(hl_media *m) {
  if (m == NULL) return;
  if (alive(m)) hl_media_close(m);
  close_spools(m);
  hl_free(m->options.alloc, m, sizeof *m);
}
