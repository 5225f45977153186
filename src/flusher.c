/* flusher.c - deadlines, and the thread that keeps them. Knows clients, not what they do.
 *
 * Locking: one mutex guards the list, the deadlines and the thread's state; `due` runs without it. A client's own locks
 * may be held while calling schedule (client lock -> flusher lock, never the other way). */
#include "flusher.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

#define NOT_SCHEDULED INT64_MAX

typedef enum thread_state { THREAD_NONE, THREAD_RUNNING, THREAD_STOPPING } thread_state;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake;    /* for the thread: an earlier deadline, or the end */
static pthread_cond_t changed; /* for callers: a client is idle again, the thread is gone */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static hl_flusher_client *clients;
static size_t threaded_clients;
static thread_state state;
static pthread_t thread;
static int64_t sleeping_until; /* what the thread will wake up for by itself; 0 while it is awake */

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void init_conditions(void) {
  pthread_condattr_t attr;
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_cond_init(&wake, &attr);
  pthread_cond_init(&changed, &attr);
  pthread_condattr_destroy(&attr);
}

/* ---- fork ------------------------------------------------------------------------------------------- */

static void before_fork(void) { pthread_mutex_lock(&lock); }
static void in_parent(void) { pthread_mutex_unlock(&lock); }

/* The child's only thread is the one that took the lock; whoever waited for the conditions is not there. */
static void in_child(void) {
  init_conditions();
  for (hl_flusher_client *c = clients; c != NULL; c = c->next) c->forked(c);
  clients = NULL;
  threaded_clients = 0;
  state = THREAD_NONE;
  pthread_mutex_unlock(&lock);
}

static void init(void) {
  init_conditions();
  pthread_atfork(before_fork, in_parent, in_child);
}

/* ---- the thread ------------------------------------------------------------------------------------- */

static hl_flusher_client *earliest(void) {
  hl_flusher_client *first = NULL;
  for (hl_flusher_client *c = clients; c != NULL; c = c->next)
    if (c->threaded && c->deadline_ns != NOT_SCHEDULED && (first == NULL || c->deadline_ns < first->deadline_ns)) first = c;
  return first;
}

static void sleep_until(int64_t deadline_ns) {
  sleeping_until = deadline_ns;
  if (deadline_ns == NOT_SCHEDULED) {
    pthread_cond_wait(&wake, &lock);
  } else {
    struct timespec t = {.tv_sec = (time_t)(deadline_ns / 1000000000), .tv_nsec = (long)(deadline_ns % 1000000000)};
    pthread_cond_timedwait(&wake, &lock, &t);
  }
  sleeping_until = 0;
}

static void serve(hl_flusher_client *c) {
  c->deadline_ns = NOT_SCHEDULED; /* before `due`: what is scheduled meanwhile counts */
  c->busy = true;
  pthread_mutex_unlock(&lock);
  c->due(c);
  pthread_mutex_lock(&lock);
  c->busy = false;
  pthread_cond_broadcast(&changed);
}

static void *run(void *unused) {
  (void)unused;
  pthread_mutex_lock(&lock);
  while (state == THREAD_RUNNING) {
    hl_flusher_client *c = earliest();
    if (c == NULL) sleep_until(NOT_SCHEDULED);
    else if (c->deadline_ns > 0 && c->deadline_ns > now_ns()) sleep_until(c->deadline_ns);
    else serve(c);
  }
  pthread_mutex_unlock(&lock);
  return NULL;
}

static bool start_thread(void) {
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old); /* inherited: a host's handlers never run here */
  state = THREAD_RUNNING;
  int failed = pthread_create(&thread, NULL, run, NULL);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  if (failed) state = THREAD_NONE;
  return !failed;
}

/* Called and returns with the lock held; gives it away meanwhile. */
static void stop_thread(void) {
  pthread_t ended = thread;
  state = THREAD_STOPPING;
  pthread_cond_signal(&wake);
  pthread_mutex_unlock(&lock);
  pthread_join(ended, NULL);
  pthread_mutex_lock(&lock);
  state = THREAD_NONE;
  pthread_cond_broadcast(&changed);
}

/* ---- clients ---------------------------------------------------------------------------------------- */

bool hl_flusher_attach(hl_flusher_client *c) {
  pthread_once(&once, init);
  pthread_mutex_lock(&lock);
  while (state == THREAD_STOPPING) pthread_cond_wait(&changed, &lock);
  if (c->threaded && state == THREAD_NONE && !start_thread()) c->threaded = false;
  if (c->threaded) threaded_clients++;
  c->deadline_ns = NOT_SCHEDULED;
  c->busy = false;
  c->previous = NULL;
  c->next = clients;
  if (clients != NULL) clients->previous = c;
  clients = c;
  bool threaded = c->threaded;
  pthread_mutex_unlock(&lock);
  return threaded;
}

void hl_flusher_detach(hl_flusher_client *c) {
  pthread_mutex_lock(&lock);
  c->deadline_ns = NOT_SCHEDULED;
  while (c->busy) pthread_cond_wait(&changed, &lock);
  if (c->previous != NULL) c->previous->next = c->next;
  else clients = c->next;
  if (c->next != NULL) c->next->previous = c->previous;
  if (c->threaded && --threaded_clients == 0) stop_thread();
  pthread_mutex_unlock(&lock);
}

void hl_flusher_schedule(hl_flusher_client *c, int64_t deadline_ns) {
  pthread_mutex_lock(&lock);
  if (deadline_ns < c->deadline_ns) {
    c->deadline_ns = deadline_ns;
    if (deadline_ns < sleeping_until) pthread_cond_signal(&wake);
  }
  pthread_mutex_unlock(&lock);
}

void hl_flusher_emergency(void) {
  for (hl_flusher_client *c = clients; c != NULL; c = c->next)
    if (c->emergency != NULL) c->emergency(c);
}
