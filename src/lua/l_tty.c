/* l_tty.c - `helios.native.tty`: what a full-screen command needs of a terminal. A raw terminal is a userdata, so that
 * whatever ends the script also gives the terminal back as it was. */
#include <math.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "l_helios.h"

#define RAW_TYPE "helios.tty.raw"

typedef struct raw_terminal {
  bool active;
  struct termios before;
} raw_terminal;

/* size(): columns and rows of the terminal that stdout is, or nil */
static int l_size(lua_State *L) {
  struct winsize size;
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
    lua_pushnil(L);
    return 1;
  }
  lua_pushinteger(L, size.ws_col);
  lua_pushinteger(L, size.ws_row);
  return 2;
}

static int l_sleep(lua_State *L) {
  double seconds = luaL_checknumber(L, 1);
  luaL_argcheck(L, seconds >= 0 && seconds < 1e9, 1, "expected seconds");
  struct timespec t = {(time_t)seconds, (long)((seconds - floor(seconds)) * 1e9)};
  nanosleep(&t, NULL);
  return 0;
}

/* raw(): keys come one by one and unseen until the value is closed or collected; nil when stdin is no terminal */
static int l_raw(lua_State *L) {
  raw_terminal *raw = lua_newuserdatauv(L, sizeof *raw, 0);
  raw->active = false; /* born closed */
  luaL_setmetatable(L, RAW_TYPE);
  if (tcgetattr(STDIN_FILENO, &raw->before) != 0) return 0;
  struct termios keys = raw->before;
  keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
  keys.c_cc[VMIN] = 0;
  keys.c_cc[VTIME] = 0;
  raw->active = tcsetattr(STDIN_FILENO, TCSANOW, &keys) == 0;
  return 1;
}

/* raw:key(seconds): the bytes of a key; nil when none came in time; nil, "closed" when none can come any more */
static int l_key(lua_State *L) {
  luaL_checkudata(L, 1, RAW_TYPE);
  double seconds = luaL_checknumber(L, 2);
  char bytes[16];
  struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
  int ready = poll(&in, 1, (int)(seconds * 1000));
  ssize_t n = ready > 0 ? read(STDIN_FILENO, bytes, sizeof bytes) : 0;
  if (n > 0) lua_pushlstring(L, bytes, (size_t)n);
  else lua_pushnil(L);
  if (ready <= 0 || n != 0) return 1;
  lua_pushliteral(L, "closed"); /* readable, but nothing there: the terminal has gone */
  return 2;
}

static int l_restore(lua_State *L) {
  raw_terminal *raw = luaL_checkudata(L, 1, RAW_TYPE);
  if (raw->active) tcsetattr(STDIN_FILENO, TCSANOW, &raw->before);
  raw->active = false;
  return 0;
}

static const luaL_Reg FUNCTIONS[] = {{"size", l_size}, {"sleep", l_sleep}, {"raw", l_raw}, {NULL, NULL}};

void hl_open_tty(lua_State *L) {
  luaL_newmetatable(L, RAW_TYPE);
  lua_newtable(L);
  lua_pushcfunction(L, l_key);
  lua_setfield(L, -2, "key");
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, l_restore);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, l_restore);
  lua_setfield(L, -2, "__close");
  lua_pop(L, 1);
  luaL_newlib(L, FUNCTIONS);
}
