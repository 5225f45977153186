/* l_point.c - one value of a run as a Lua table. Translation only. What is copied goes into userdata first, so that
 * nothing is lost when Lua runs out of memory half-way. */
#include "l_fields.h"

enum { MOST_DIMS = 16 };

static void set_strings(lua_State *L, const helios_point *p) {
  helios_slice s;
  lua_newtable(L);
  for (size_t i = 0; helios_point_string(p, i, &s) == HELIOS_OK; i++) {
    lua_pushlstring(L, s.data, s.length);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_rawgeti(L, -1, 1);
  lua_setfield(L, -3, "text");
  lua_setfield(L, -2, "strings");
}

static int set_shape(lua_State *L, const helios_point *p) {
  int64_t sizes[MOST_DIMS];
  int dtype = 0, ndim = 0;
  if (helios_point_shape(p, &dtype, sizes, MOST_DIMS, &ndim) != HELIOS_OK) return 0;
  lua_newtable(L);
  for (int i = 0; i < ndim && i < MOST_DIMS; i++) {
    lua_pushinteger(L, (lua_Integer)sizes[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "shape");
  set_integer(L, "dtype", dtype);
  return dtype;
}

static void set_numbers(lua_State *L, const helios_point *p) {
  size_t count = 0;
  if (helios_point_numbers(p, NULL, 0, &count) != HELIOS_OK || count > SIZE_MAX / sizeof(double)) return;
  double *numbers = lua_newuserdatauv(L, count * sizeof *numbers + 1, 0); /* collected also when a push raises */
  helios_point_numbers(p, numbers, count, &count);
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    lua_pushnumber(L, numbers[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -3, "values");
  lua_pop(L, 1);
}

static void set_tensor(lua_State *L, const helios_point *p) {
  enum { TF_STRING = 7 };
  if (set_shape(L, p) == TF_STRING) set_strings(L, p);
  else set_numbers(L, p);
}

static void set_images(lua_State *L, const helios_point *p) {
  helios_image_view view;
  lua_newtable(L);
  for (size_t i = 0; helios_point_image(p, i, &view) == HELIOS_OK; i++) {
    lua_createtable(L, 0, 4);
    set_integer(L, "width", view.width);
    set_integer(L, "height", view.height);
    set_integer(L, "colorspace", view.colorspace);
    set_slice(L, "encoded", view.encoded);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -2, "images");
}

static void set_sounds(lua_State *L, const helios_point *p) {
  helios_audio_view view;
  lua_newtable(L);
  for (size_t i = 0; helios_point_audio(p, i, &view) == HELIOS_OK; i++) {
    lua_createtable(L, 0, 5);
    set_number(L, "sample_rate", view.sample_rate);
    set_integer(L, "channels", view.channels);
    set_integer(L, "frames", view.frames);
    set_slice(L, "encoded", view.encoded);
    set_slice(L, "content_type", view.content_type);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -2, "sounds");
}

static void set_buckets(lua_State *L, const helios_bucket *buckets, size_t count) {
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    lua_createtable(L, 3, 0);
    const double row[] = {buckets[i].left, buckets[i].right, buckets[i].count};
    for (int k = 0; k < 3; k++) {
      lua_pushnumber(L, row[k]);
      lua_rawseti(L, -2, k + 1);
    }
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -2, "buckets");
}

static void set_histogram(lua_State *L, const helios_point *p) {
  helios_histogram_view view;
  size_t count = 0;
  if (helios_point_histogram(p, NULL, NULL, 0, &count) != HELIOS_OK) return;
  helios_bucket *buckets = lua_newuserdatauv(L, count * sizeof *buckets + 1, 0);
  helios_point_histogram(p, &view, buckets, count, &count);
  lua_insert(L, -2); /* below the point's table until it is filled */
  set_number(L, "min", view.min);
  set_number(L, "max", view.max);
  set_number(L, "num", view.num);
  set_number(L, "sum", view.sum);
  set_number(L, "sum_squares", view.sum_squares);
  set_buckets(L, buckets, count);
  lua_remove(L, -2);
}

static void set_content(lua_State *L, const helios_point *p) {
  switch (p->kind) {
    case HELIOS_KIND_SCALAR: set_number(L, "value", p->value); set_boolean(L, "single", p->single); break;
    case HELIOS_KIND_TEXT: set_shape(L, p); set_strings(L, p); break;
    case HELIOS_KIND_IMAGE: set_images(L, p); break;
    case HELIOS_KIND_AUDIO: set_sounds(L, p); break;
    case HELIOS_KIND_HISTOGRAM: set_histogram(L, p); break;
    case HELIOS_KIND_PR_CURVE:
    case HELIOS_KIND_MESH:
    case HELIOS_KIND_TENSOR:
    case HELIOS_KIND_CUSTOM_SCALARS: set_tensor(L, p); break;
    case HELIOS_KIND_RESTART: break;
    default: set_slice(L, "data", p->data); break;
  }
}

void hl_push_point(lua_State *L, const helios_point *p) {
  lua_createtable(L, 0, 12);
  set_string(L, "kind", helios_kind_name(p->kind));
  set_slice(L, "tag", p->tag);
  set_integer(L, "step", p->step);
  set_number(L, "wall_time", p->wall_time);
  if (p->restarts) set_boolean(L, "restarts", true);
  if (p->plugin.length > 0) set_slice(L, "plugin", p->plugin);
  if (p->content.length > 0) set_slice(L, "content", p->content);
  if (p->description.length > 0) set_slice(L, "description", p->description);
  if (p->display_name.length > 0) set_slice(L, "display_name", p->display_name);
  set_content(L, p);
}
