/* writer_embedding.c - embeddings, which are files of their own beside the run's events:
 *
 *   <run>/<step>/<tag>/tensors.tsv, metadata.tsv, sprite.png     <run>/projector_config.pbtxt names them all
 *
 * Everything is checked and encoded before the first file is made; each file gets its name when it is whole; the
 * config, by which viewers find the others, is written last. A run that is continued keeps the entries it had. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "encode/embedding.h"
#include "writer_impl.h"

enum { MATRIX, METADATA, SPRITE, FILES, LARGEST_CONFIG = 16 << 20 };

static const char *const FILE_NAMES[FILES] = {"tensors.tsv", "metadata.tsv", "sprite.png"};
static const char CONFIG_NAME[] = "projector_config.pbtxt";

typedef struct parts {
  hl_buf contents[FILES]; /* empty: not given */
  bool given[FILES];
  hl_buf folder; /* below the run's, terminated */
  hl_buf entry;
} parts;

/* ---- bytes ------------------------------------------------------------------------------------------------- */

/* The tag as the name of a folder. */
static void append_encoded(hl_buf *b, const char *tag) {
  for (; *tag != '\0'; tag++) {
    if (*tag == '%') hl_buf_append_str(b, "%25");
    else if (*tag == '/') hl_buf_append_str(b, "%2f");
    else if (*tag == '\\') hl_buf_append_str(b, "%5c");
    else hl_buf_append_byte(b, (unsigned char)*tag);
  }
}

static helios_status encode_parts(parts *p, const helios_embedding *e, int64_t step, hl_error *err) {
  hl_array matrix, images;
  helios_status st = hl_embedding_check(e, &matrix, &images, err);
  if (st != HELIOS_OK) return st;
  p->given[MATRIX] = true;
  p->given[METADATA] = e->metadata != NULL;
  p->given[SPRITE] = e->label_img != NULL;
  if (p->given[SPRITE]) st = hl_encode_embedding_sprite(&p->contents[SPRITE], &images, err);
  if (st == HELIOS_OK) st = hl_encode_embedding_matrix(&p->contents[MATRIX], &matrix);
  if (st == HELIOS_OK && p->given[METADATA]) st = hl_encode_embedding_metadata(&p->contents[METADATA], e);
  if (st != HELIOS_OK) return st;
  hl_buf_printf(&p->folder, "%0*lld/", HL_EMBEDDING_STEP_DIGITS, (long long)step);
  append_encoded(&p->folder, e->tag);
  hl_buf_append_byte(&p->folder, '\0');
  if (p->folder.failed) return HELIOS_ENOMEM;
  return hl_encode_embedding_entry(&p->entry, e, (const char *)p->folder.data, step);
}

/* ---- files ------------------------------------------------------------------------------------------------- */

/* "<run>/<folder>/<name><suffix>"; NULL: out of memory. The text lies in `b`. */
static const char *join(hl_buf *b, const helios_writer *w, const char *folder, const char *name, const char *suffix) {
  hl_buf_reset(b);
  hl_buf_append_str(b, w->main->folder);
  hl_buf_append_byte(b, '/');
  hl_buf_append_str(b, folder);
  if (folder[0] != '\0') hl_buf_append_byte(b, '/');
  hl_buf_append_str(b, name);
  hl_buf_append_str(b, suffix);
  hl_buf_append_byte(b, '\0');
  return b->failed ? NULL : (const char *)b->data;
}

static helios_status write_file(helios_writer *w, const char *path, hl_str content, hl_error *err) {
  const hl_env *env = w->env;
  int code = 0, close_code = 0;
  size_t done;
  int fd = env->open(env, path, O_WRONLY | O_CREAT | O_TRUNC, &code);
  if (fd < 0) return hl_fail_io(err, path, "cannot make", code);
  bool ok = hl_env_write_all(env, fd, content.data, content.len, &done, &code) == 0;
  if (ok && w->options.durability == HELIOS_DURABLE_DISK) ok = env->sync(env, fd, &code) == 0;
  if (env->close(env, fd, &close_code) != 0 && ok) {
    ok = false;
    code = close_code;
  }
  return ok ? HELIOS_OK : hl_fail_io(err, path, "cannot write", code);
}

/* Write under another name, then rename: a reader never finds half a file, and an older one stays until the new one is
 * whole. */
static helios_status replace_file(helios_writer *w, const char *folder, const char *name, hl_str content,
                                  hl_error *err) {
  hl_buf path, part;
  int code;
  hl_buf_init(&path, &w->alloc);
  hl_buf_init(&part, &w->alloc);
  const char *to = join(&path, w, folder, name, ""), *from = join(&part, w, folder, name, ".part");
  helios_status st = to != NULL && from != NULL ? write_file(w, from, content, err) : HELIOS_ENOMEM;
  if (st == HELIOS_OK && w->env->rename(w->env, from, to, &code) != 0) st = hl_fail_io(err, to, "cannot rename", code);
  if (st == HELIOS_EIO) w->env->remove(w->env, from, &code);
  hl_buf_free(&path);
  hl_buf_free(&part);
  return st;
}

static void remove_files(helios_writer *w, const char *folder, const bool made[FILES]) {
  hl_buf path;
  int code;
  hl_buf_init(&path, &w->alloc);
  for (int i = 0; i < FILES; i++) {
    const char *name = made[i] ? join(&path, w, folder, FILE_NAMES[i], "") : NULL;
    if (name != NULL) w->env->remove(w->env, name, &code);
  }
  hl_buf_free(&path);
}

/* Whether there is one of that name already, from an earlier call with the same step and tag. */
static helios_status find_file(helios_writer *w, const char *folder, const char *name, bool *there) {
  hl_buf path;
  bool regular, is_folder;
  int code;
  hl_buf_init(&path, &w->alloc);
  const char *joined = join(&path, w, folder, name, "");
  *there = joined != NULL && w->env->stat_path(w->env, joined, &regular, &is_folder, &code) == 0;
  hl_buf_free(&path);
  return joined == NULL ? HELIOS_ENOMEM : HELIOS_OK;
}

static helios_status make_folder(helios_writer *w, const char *folder, hl_error *err) {
  hl_buf path;
  int code;
  hl_buf_init(&path, &w->alloc);
  const char *name = join(&path, w, folder, "", "");
  helios_status st = HELIOS_OK;
  if (name == NULL) st = HELIOS_ENOMEM;
  else if (hl_env_make_dirs(w->env, name, &code) != 0) st = hl_fail_io(err, name, "cannot make the folder", code);
  hl_buf_free(&path);
  return st;
}

/* ---- the config -------------------------------------------------------------------------------------------- */

/* Append the file's bytes. What is no regular file of sane size is passed over. */
static helios_status read_config(helios_writer *w, int fd, const char *name, hl_buf *config, hl_error *err) {
  const hl_env *env = w->env;
  int64_t size, links;
  bool regular;
  int code;
  if (env->stat_fd(env, fd, &size, &regular, &links, &code) != 0) return hl_fail_io(err, name, "stat", code);
  if (!regular || size > LARGEST_CONFIG) return HELIOS_OK;
  if (!hl_buf_reserve(config, (size_t)size)) return HELIOS_ENOMEM;
  while (config->len < (size_t)size) {
    size_t at = config->len;
    int64_t k = env->pread(env, fd, config->data + at, (size_t)size - at, (int64_t)at, &code);
    if (k < 0) return hl_fail_io(err, name, "cannot read", code);
    if (k == 0) break;
    config->len += (size_t)k;
  }
  return HELIOS_OK;
}

/* What an earlier writer of this run left in the config, if there is one. */
static helios_status load_config(helios_writer *w, hl_buf *config, hl_error *err) {
  hl_buf path;
  int code;
  hl_buf_init(&path, &w->alloc);
  const char *name = join(&path, w, "", CONFIG_NAME, "");
  helios_status st = name == NULL ? HELIOS_ENOMEM : HELIOS_OK;
  int fd = name == NULL ? -1 : w->env->open(w->env, name, O_RDONLY | O_NONBLOCK, &code);
  if (fd >= 0) {
    st = read_config(w, fd, name, config, err);
    w->env->close(w->env, fd, &code);
  } else if (name != NULL && code != ENOENT) {
    st = hl_fail_io(err, name, "cannot open", code);
  }
  hl_buf_free(&path);
  return st;
}

static bool holds(const hl_buf *config, const hl_buf *entry) {
  return config->len > 0 && memmem(config->data, config->len, entry->data, entry->len) != NULL;
}

/* Called with the writer locked, so that no older list overwrites a newer one. */
static helios_status add_entry(helios_writer *w, const hl_buf *entry, hl_error *err) {
  helios_status st = HELIOS_OK;
  if (!w->projector_loaded) st = load_config(w, &w->projector, err);
  if (st != HELIOS_OK) {
    hl_buf_reset(&w->projector);
    return st;
  }
  w->projector_loaded = true;
  size_t before = w->projector.len;
  if (!holds(&w->projector, entry)) hl_buf_append(&w->projector, entry->data, entry->len);
  st = hl_buf_status(&w->projector);
  hl_str config = {(const char *)w->projector.data, w->projector.len};
  if (st == HELIOS_OK) st = replace_file(w, "", CONFIG_NAME, config, err);
  if (st != HELIOS_OK) {
    w->projector.len = before;
    w->projector.failed = false;
  }
  return st;
}

/* ---- the call ---------------------------------------------------------------------------------------------- */

static helios_status write_parts(helios_writer *w, const parts *p, hl_error *err) {
  const char *folder = (const char *)p->folder.data;
  bool made[FILES] = {false};
  helios_status st = make_folder(w, folder, err);
  for (int i = 0; i < FILES && st == HELIOS_OK; i++) {
    if (!p->given[i]) continue;
    bool there;
    hl_str content = {(const char *)p->contents[i].data, p->contents[i].len};
    st = find_file(w, folder, FILE_NAMES[i], &there);
    if (st == HELIOS_OK) st = replace_file(w, folder, FILE_NAMES[i], content, err);
    made[i] = st == HELIOS_OK && !there;
  }
  if (st == HELIOS_OK) {
    pthread_mutex_lock(&w->lock);
    st = add_entry(w, &p->entry, err);
    pthread_mutex_unlock(&w->lock);
  }
  if (st != HELIOS_OK) remove_files(w, folder, made);
  return st;
}

static helios_status add_embedding(helios_writer *w, const helios_embedding *e, int64_t step, hl_error *err) {
  parts p;
  hl_buf *const bufs[] = {&p.contents[MATRIX], &p.contents[METADATA], &p.contents[SPRITE], &p.folder, &p.entry};
  memset(&p, 0, sizeof p);
  for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) hl_buf_init(bufs[i], &w->alloc);
  helios_status st = encode_parts(&p, e, step, err);
  if (st == HELIOS_OK) st = write_parts(w, &p, err);
  for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) hl_buf_free(bufs[i]);
  return st;
}

static helios_status check_tag(const char *tag, hl_error *err) {
  if (tag[0] == '\0' || strcmp(tag, ".") == 0 || strcmp(tag, "..") == 0)
    return hl_invalid(err, "tag", "'%s' cannot name the embedding's folder", tag);
  return hl_check_utf8(hl_str_of(tag), "tag", err);
}

helios_status helios_writer_add_embedding(helios_writer *w, const helios_embedding *embedding, int64_t step) {
  hl_error err = {.status = HELIOS_OK};
  helios_embedding e;
  helios_status st = hl_writer_check(w);
  if (st == HELIOS_OK) st = hl_take_options(&e, sizeof e, embedding, &err);
  if (st == HELIOS_OK) {
    if (e.tag == NULL) e.tag = "default";
    st = check_tag(e.tag, &err);
  }
  if (st == HELIOS_OK) st = add_embedding(w, &e, hl_writer_event(w, step, NULL).step, &err);
  if (st == HELIOS_EIO && w->options.on_error != NULL) w->options.on_error(w->options.ctx, st, err.reason);
  return hl_writer_fail(w, st, &err);
}
