/* test_kinds.c - the kinds beyond Helios in C: bytes as torch writes them, strided tensors, wrong arguments, every
 * allocation failing in turn. */
#include <unistd.h>

#include "broken_env.h"
#include "encode/gif.h"
#include "encode/graph.h"
#include "encode/number.h"
#include "encode/resample.h"
#include "encode_check.h"
#include "helios/helios.h"
#include "scratch.h"
#include "writer_impl.h"

static const hl_str T = {"t", 1};

/* ---- bytes, as torch.utils.tensorboard 2.13 writes them -------------------------------------------------------- */

static helios_status encode_tensor(hl_buf *out) {
  int32_t values[] = {1, -1, 300, 0};
  int64_t shape[] = {2, 2};
  DLTensor t = tensor(values, HELIOS_INT32, 2, shape);
  return hl_encode_tensor(out, T, &t, NULL, NULL);
}

static helios_status encode_audio(hl_buf *out) {
  float samples[] = {0.5f, -3, 1};
  int64_t shape[] = {1, 3};
  DLTensor t = tensor(samples, HELIOS_FLOAT32, 2, shape);
  return hl_encode_audio(out, (hl_str){"a", 1}, &t, 8000, NULL);
}

static helios_status encode_mesh(hl_buf *out) {
  int64_t vertices[] = {1, 2, 3}, faces[] = {0, 0, 0}, shape[] = {1, 1, 3};
  DLTensor v = tensor(vertices, HELIOS_INT64, 3, shape), f = tensor(faces, HELIOS_INT64, 3, shape);
  return hl_encode_mesh(out, (hl_str){"m", 1}, &v, NULL, &f, hl_str_of("{\"a\": 1}"), NULL);
}

static helios_status encode_histogram_raw(hl_buf *out) {
  double limits[] = {0, 1}, counts[] = {1, 2};
  helios_histogram_raw h = {-1, 2, 3, 4, 5, limits, counts, 2};
  return hl_encode_histogram_raw(out, (hl_str){"h", 1}, &h, NULL);
}

static helios_status encode_pr_curve_raw(hl_buf *out) {
  double rows[] = {1, 2, 3, 4, 0.5, 1};
  helios_pr_curve_raw c = {&rows[0], &rows[1], &rows[2], &rows[3], &rows[4], &rows[5], 1, 500};
  return hl_encode_pr_curve_raw(out, (hl_str){"p", 1}, &c, NULL);
}

static void check_bytes(helios_status (*encode)(hl_buf *out), const char *want) {
  hl_buf out;
  hl_buf_init(&out, NULL);
  CHECK_INT(encode(&out), HELIOS_OK);
  CHECK_HEX(&out, want);
  hl_buf_free(&out);
}

static void test_bytes(void) {
  check_bytes(encode_tensor,
              "0a2d0a0174421c0803120812020802120208023a0e01ffffffffffffffffff01ac02004a0a0a080a0674656e736f72");
  check_bytes(encode_audio,
              "0a4d0a016132480d0000fa45100118032232524946462a00000057415645666d74201000000001000100401f0000803e00000200"
              "10006461746106000000ff3f0180ff7f2a09617564696f2f776176");
  check_bytes(encode_mesh,
              "0a4c0a086d5f564552544558421e0801120c1202080112020801120208032a0c0000803f00000040000040404a200a1e0a046d65"
              "7368121612016d18012a087b2261223a20317d3203010103380"
              "60a4a0a066d5f46414345421e0801120c1202080112020801120208032a0c0000000000000000000000004a200a1e0a046d657368"
              "121612016d18022a087b2261223a20317d32030101033806");
  check_bytes(encode_histogram_raw,
              "0a560a01682a5109000000000000f0bf1100000000000000401900000000000008402100000000000010402900000000000014403"
              "2100000000000000000000000000000f03f3a10000000000000f03f0000000000000040");
  check_bytes(encode_pr_curve_raw,
              "0a3e0a017042260801120812020806120208012a180000803f0000004000004040000080400000003f0000803f4a110a0f0a0970"
              "725f6375727665731202107f");
}

static void test_strides(void) {
  int32_t values[] = {1, 9, 300, 9, -1, 9, 0, 9};
  int64_t shape[] = {2, 2}, strides[] = {2, 4}; /* transposed, and with gaps */
  DLTensor t = tensor(values, HELIOS_INT32, 2, shape);
  t.strides = strides;
  hl_buf out;
  hl_buf_init(&out, NULL);
  CHECK_INT(hl_encode_tensor(&out, T, &t, NULL, NULL), HELIOS_OK);
  CHECK_HEX(&out, "0a2d0a0174421c0803120812020802120208023a0e01ffffffffffffffffff01ac02004a0a0a080a0674656e736f72");
  hl_buf_free(&out);
}

static void check_float(double v, const char *want) {
  hl_buf out;
  hl_buf_init(&out, NULL);
  hl_put_python_float(&out, v);
  hl_buf_append_byte(&out, '\0');
  CHECK_STR((const char *)out.data, want);
  hl_buf_free(&out);
}

static void test_python_floats(void) {
  check_float(1, "1.0");
  check_float(-0.0, "-0.0");
  check_float(0.1f, "0.10000000149011612");
  check_float(1e-4, "0.0001");
  check_float(1e-5, "1e-05");
  check_float(1e15, "1000000000000000.0");
  check_float(1e16, "1e+16");
  check_float(5e-324, "5e-324");
  check_float(0x1p-44, "5.684341886080802e-14"); /* shortest, though not the nearest of 16 digits */
  check_float(1.7976931348623157e308, "1.7976931348623157e+308");
  check_float(1.0 / 0.0, "inf");
}

/* ---- pictures -------------------------------------------------------------------------------------------------- */

static helios_status encode_video(hl_buf *out) {
  static uint8_t pixels[2 * 2 * 3 * 20 * 20];
  int64_t shape[] = {2, 2, 3, 20, 20};
  for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)(i * 7919 >> 3); /* more than 256 colours */
  DLTensor t = tensor(pixels, HELIOS_UINT8, 5, shape);
  return hl_encode_video(out, T, &t, 4, NULL);
}

static helios_status encode_boxes(hl_buf *out) {
  static float pixels[4 * 20 * 30];
  int64_t boxes[] = {2, 3, 15, 14}, shape[] = {4, 20, 30}, box_shape[] = {1, 4};
  const char *labels[] = {"a \xc3\xa9"};
  DLTensor image = tensor(pixels, HELIOS_FLOAT32, 3, shape), box = tensor(boxes, HELIOS_INT64, 2, box_shape);
  helios_boxes_options o = {.size = sizeof o, .rescale = 0.5, .labels = labels, .label_count = 1};
  return hl_encode_image_with_boxes(out, T, &image, &box, &o, NULL);
}

/* A flat colour stays one, whatever the filter's weights add up to. */
static void test_resample(void) {
  uint8_t *data = hl_alloc(NULL, 7 * 5 * 3);
  memset(data, 77, 7 * 5 * 3);
  hl_bitmap b = {data, 7, 5, 3};
  CHECK_INT(hl_resample(&b, 20, 3, NULL), HELIOS_OK);
  CHECK_INT(b.width, 20);
  CHECK_INT(b.height, 3);
  int same = 0;
  for (size_t i = 0; i < hl_bitmap_size(&b); i++) same += b.data[i] == 77;
  CHECK_INT(same, 180);
  hl_free(NULL, b.data, hl_bitmap_size(&b));
}

/* ---- graphs ---------------------------------------------------------------------------------------------------- */

static helios_status build_graph(helios_graph *g) {
  const char *inputs[] = {"x"};
  int64_t dims[] = {2, -1};
  helios_graph_shape shape = {dims, 2};
  helios_graph_attr attrs[] = {{"n", {HELIOS_VALUE_NUMBER, 3, NULL}}, {"s", {HELIOS_VALUE_STRING, 0, "v"}}};
  helios_graph_node x = {.size = sizeof x, .name = "x"};
  helios_graph_node y = {.size = sizeof y, .name = "y", .op = "Op", .device = "d", .inputs = inputs, .input_count = 1,
                         .shapes = &shape, .shape_count = 1, .attrs = attrs, .attr_count = 2};
  helios_status st = helios_graph_add_node(g, &x);
  return st == HELIOS_OK ? helios_graph_add_node(g, &y) : st;
}

static helios_status encode_graph(hl_buf *out) {
  helios_graph *g;
  helios_status st = helios_graph_new(out->alloc, &g);
  if (st == HELIOS_OK) st = build_graph(g);
  if (st == HELIOS_OK) st = hl_encode_graph_def(out, g);
  helios_graph_free(g);
  return st;
}

static void test_graph(void) {
  helios_graph *g;
  char text[200];
  CHECK_INT(helios_graph_new(NULL, &g), HELIOS_OK);
  CHECK_INT(build_graph(g), HELIOS_OK);
  CHECK_INT(build_graph(g), HELIOS_EINVAL);
  helios_graph_error(g, text, sizeof text);
  CHECK_STR(text, "name: there are two nodes named 'x'");
  const char *inputs[] = {NULL};
  helios_graph_node bad = {.size = sizeof bad, .name = "z", .inputs = inputs, .input_count = 1};
  CHECK_INT(helios_graph_add_node(g, &bad), HELIOS_EINVAL);
  helios_graph_error(g, text, sizeof text);
  CHECK_STR(text, "inputs: node 'z': input 1 has no name");
  helios_graph_free(g);
  check_bytes(encode_graph,
              "0a100a0178120b556e5370656369666965640a490a017912024f701a01782201642a270a0e5f6f75747075745f73686170657312"
              "150a133a1112020802120b08ffffffffffffffffff012a070a016e120218032a080a0173120312017622020816");
}

static helios_status encode_onnx(hl_buf *out) {
  /* graph: two nodes, the second of which takes the first's second output */
  static const unsigned char model[] = "\x3a\x1e"
                                       "\x0a\x0e\x0a\x01x\x12\x01y\x12\x01z\x22\x03Two"
                                       "\x0a\x0c\x0a\x01z\x12\x01o\x22\x04Last";
  helios_graph *g;
  helios_status st = helios_graph_new(out->alloc, &g);
  if (st == HELIOS_OK) st = hl_graph_add_onnx(g, model, sizeof model - 1, out->alloc, NULL);
  if (st == HELIOS_OK) st = hl_encode_graph_def(out, g);
  helios_graph_free(g);
  return st;
}

/* ---- embeddings ------------------------------------------------------------------------------------------------ */

static helios_status add_embedding(helios_writer *w) {
  float matrix[] = {1, 2, 3, 4};
  uint8_t images[8] = {0};
  int64_t shape[] = {2, 2}, image_shape[] = {2, 1, 2, 2};
  const char *labels[] = {"a", "b"};
  DLTensor m = tensor(matrix, HELIOS_FLOAT32, 2, shape), pictures = tensor(images, HELIOS_UINT8, 4, image_shape);
  helios_embedding e = {.size = sizeof e, .matrix = &m, .metadata = labels, .metadata_rows = 2, .label_img = &pictures};
  return helios_writer_add_embedding(w, &e, 7);
}

/* With any allocation failing: out of memory, and no file of the embedding is there. */
static void test_embedding_without_memory(void) {
  const char *folder = scratch_dir(0);
  char path[512];
  for (long n = 1;; n++) {
    fault_alloc f;
    helios_writer *w;
    fault_alloc_init(&f, 0);
    helios_writer_options o = {.size = sizeof o, .allocator = &f.allocator, .threads = -1};
    CHECK_INT(helios_writer_open(folder, &o, &w, NULL, 0), HELIOS_OK);
    f.calls = 0;
    f.fail_at = n;
    helios_status st = add_embedding(w);
    bool failed = f.calls >= n;
    f.fail_at = 0;
    CHECK_INT(st, failed ? HELIOS_ENOMEM : HELIOS_OK);
    snprintf(path, sizeof path, "%s/00007/default/tensors.tsv", folder);
    CHECK_INT(access(path, F_OK) == 0, !failed);
    snprintf(path, sizeof path, "%s/projector_config.pbtxt", folder);
    CHECK_INT(access(path, F_OK) == 0, !failed);
    helios_writer_free(w);
    CHECK_INT(f.bytes_out, 0);
    if (!failed) break;
  }
  scratch_remove(folder);
}

/* With any operation on files failing: an I/O error that names a path and nothing left of the call, or all of it there.
 * An entry that was there before stays. */
static void test_embedding_on_a_broken_disk(void) {
  hl_env env = broken_env();
  char path[512], text[600];
  static const char *const files[] = {"tensors.tsv", "metadata.tsv", "sprite.png"};
  long failures = 0;
  for (long n = 1;; n++) {
    const char *folder = scratch_dir(0);
    snprintf(path, sizeof path, "%s/projector_config.pbtxt", folder);
    FILE *f = fopen(path, "w");
    if (f == NULL || fputs("embeddings {}\n", f) < 0 || fclose(f) != 0) abort();
    helios_writer *w;
    hl_error err = {.status = HELIOS_OK};
    helios_writer_options o = {.size = sizeof o, .threads = -1};
    break_at(BREAK_NEVER, 0, 0);
    CHECK_INT(hl_writer_open(&env, folder, &o, &w, &err), HELIOS_OK);
    break_at(BREAK_ONCE, n, ENOSPC);
    helios_status st = add_embedding(w);
    bool broke = broken.count >= n;
    break_at(BREAK_NEVER, 0, 0);
    CHECK(st == HELIOS_OK || st == HELIOS_EIO);
    for (int i = 0; i < 3; i++) {
      char name[600];
      snprintf(name, sizeof name, "%s/00007/default/%s", folder, files[i]);
      CHECK_INT(access(name, F_OK) == 0, st == HELIOS_OK);
      strcat(name, ".part");
      CHECK(access(name, F_OK) != 0);
    }
    helios_writer_error(w, text, sizeof text);
    CHECK(st == HELIOS_OK || strstr(text, "No space left") != NULL);
    failures += st != HELIOS_OK;
    size_t size;
    char *config = scratch_read(path, &size);
    CHECK(strstr(config, "embeddings {}\n") != NULL);
    CHECK_INT(strstr(config, "default:00007") != NULL, st == HELIOS_OK);
    free(config);
    helios_writer_free(w);
    scratch_remove(folder);
    if (!broke) break;
  }
  CHECK(failures > 10);
}

/* ---- wrong arguments ------------------------------------------------------------------------------------------- */

static void test_wrong_arguments(void) {
  float values[6] = {0};
  int64_t shape[] = {2, 3}, none[] = {0};
  DLTensor t = tensor(values, HELIOS_FLOAT32, 2, shape), empty = tensor(NULL, HELIOS_FLOAT32, 1, none);
  hl_error err;
  hl_buf out;
  hl_buf_init(&out, NULL);
  CHECK_INVALID(hl_encode_audio(&out, T, &t, 8000, &err), err, "snd_tensor",
                "expected one dimension of at least 2 samples (others of size 1)");
  CHECK_INVALID(hl_encode_audio(&out, T, &empty, 8000, &err), err, "snd_tensor",
                "expected one dimension of at least 2 samples (others of size 1)");
  CHECK_INVALID(hl_encode_video(&out, T, &t, 4, &err), err, "vid_tensor", "expected 5 dimensions (NTCHW), got 2");
  CHECK_INVALID(hl_encode_mesh(&out, T, &t, NULL, NULL, T, &err), err, "vertices",
                "expected 3 dimensions (batch, number, 3), got 2");
  CHECK_INVALID(hl_encode_mesh(&out, T, NULL, NULL, NULL, T, &err), err, "vertices", "expected a tensor, got none");
  t.device.device_type = kDLCUDA;
  CHECK_INVALID(hl_encode_tensor(&out, T, &t, NULL, &err), err, "tensor",
                "the tensor is not in CPU memory (DLPack device type 2)");
  hl_buf_free(&out);
}

int main(void) {
  test_bytes();
  test_strides();
  test_python_floats();
  test_resample();
  test_graph();
  test_wrong_arguments();
  CHECK(fail_each_allocation(encode_tensor) > 0);
  CHECK(fail_each_allocation(encode_audio) > 0);
  CHECK(fail_each_allocation(encode_mesh) > 2);
  CHECK(fail_each_allocation(encode_histogram_raw) > 0);
  CHECK(fail_each_allocation(encode_pr_curve_raw) > 1);
  CHECK(fail_each_allocation(encode_video) > 2);
  CHECK(fail_each_allocation(encode_boxes) > 4);
  CHECK(fail_each_allocation(encode_graph) > 2);
  CHECK(fail_each_allocation(encode_onnx) > 4);
  test_embedding_without_memory();
  test_embedding_on_a_broken_disk();
  return check_done("kinds");
}
