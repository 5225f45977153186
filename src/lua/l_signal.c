/* l_signal.c - notices SIGTERM and SIGUSR1 while a training run wants to know: `helios.native.signals`.
 *
 * The handler sets a flag and nothing else; who watches asks for it between two steps. Handlers are the process', so
 * states share them: installed by the first watcher, the old ones put back by the last. A signal that the process
 * ignores stays ignored. A watch dies with its userdata, so that no handler outlives this code. */
#include <pthread.h>
#include <signal.h>

#include "l_helios.h"

#define WATCH "helios.signals.watch"

enum { SIGNAL_COUNT = 2 };

static const struct {
  int number;
  const char *name;
} SIGNALS[SIGNAL_COUNT] = {{SIGTERM, "SIGTERM"}, {SIGUSR1, "SIGUSR1"}};

static volatile sig_atomic_t seen[SIGNAL_COUNT];
static struct sigaction before[SIGNAL_COUNT];
static int watchers;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void on_signal(int number) {
  for (int i = 0; i < SIGNAL_COUNT; i++)
    if (SIGNALS[i].number == number) seen[i] = 1;
}

static void install(int i) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  seen[i] = 0;
  sigaction(SIGNALS[i].number, NULL, &before[i]);
  if (before[i].sa_handler != SIG_IGN) sigaction(SIGNALS[i].number, &action, NULL);
}

/* Unless somebody else has put a handler of their own in the place of ours meanwhile. */
static void restore(int i) {
  struct sigaction now;
  sigaction(SIGNALS[i].number, NULL, &now);
  if (now.sa_handler == on_signal) sigaction(SIGNALS[i].number, &before[i], NULL);
}

static void add_watcher(void) {
  pthread_mutex_lock(&lock);
  if (watchers++ == 0)
    for (int i = 0; i < SIGNAL_COUNT; i++) install(i);
  pthread_mutex_unlock(&lock);
}

static void drop_watcher(void) {
  pthread_mutex_lock(&lock);
  if (--watchers == 0)
    for (int i = 0; i < SIGNAL_COUNT; i++) restore(i);
  pthread_mutex_unlock(&lock);
}

/* watch(): an object with :seen() and :stop(). */
static int l_watch(lua_State *L) {
  bool *watching = lua_newuserdatauv(L, sizeof *watching, 0);
  *watching = false;
  luaL_setmetatable(L, WATCH);
  add_watcher();
  *watching = true;
  return 1;
}

/* :seen(): the name of a signal that has come since the first watch, and its number; nil when none has. */
static int l_seen(lua_State *L) {
  luaL_checkudata(L, 1, WATCH);
  for (int i = 0; i < SIGNAL_COUNT; i++) {
    if (!seen[i]) continue;
    lua_pushstring(L, SIGNALS[i].name);
    lua_pushinteger(L, SIGNALS[i].number);
    return 2;
  }
  return 0;
}

static int l_stop(lua_State *L) {
  bool *watching = luaL_checkudata(L, 1, WATCH);
  if (*watching) drop_watcher();
  *watching = false;
  return 0;
}

static const luaL_Reg METHODS[] = {{"seen", l_seen}, {"stop", l_stop}, {NULL, NULL}};
static const luaL_Reg META[] = {{"__gc", l_stop}, {"__close", l_stop}, {NULL, NULL}};
static const luaL_Reg FUNCTIONS[] = {{"watch", l_watch}, {NULL, NULL}};

void hl_open_signals(lua_State *L) {
  if (luaL_newmetatable(L, WATCH)) {
    luaL_setfuncs(L, META, 0);
    luaL_newlib(L, METHODS);
    lua_setfield(L, -2, "__index");
  }
  lua_pop(L, 1);
  luaL_newlib(L, FUNCTIONS);
}
