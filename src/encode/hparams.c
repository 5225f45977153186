/* hparams.c - the three summaries of the HPARAMS plugin: what was tried, with which values, and that it ended.
 * Each is a tag and metadata alone; the message HParamsPluginData travels as the metadata's content.
 * Booleans are booleans here (torch writes them as numbers). */
#include "summary.h"

enum { PLUGIN_EXPERIMENT = 2, PLUGIN_SESSION_START = 3, PLUGIN_SESSION_END = 4 };
enum { EXPERIMENT_HPARAM_INFO = 4, EXPERIMENT_METRIC_INFO = 5 };
enum { INFO_NAME = 1, INFO_TYPE = 4, INFO_DOMAIN = 5, DOMAIN_VALUE = 1 };
enum { METRIC_NAME = 1, METRIC_NAME_TAG = 2 };
enum { SESSION_HPARAMS = 1, MAP_KEY = 1, MAP_VALUE = 2, SESSION_STATUS = 1, STATUS_SUCCESS = 1 };
enum { VALUE_NUMBER = 2, VALUE_STRING = 3, VALUE_BOOL = 4 };
enum { SIZE_HINT = 20, CONTENT_HINT = 200 };

/* DataType of hparams/api.proto */
static uint64_t data_type(helios_value_type type) {
  switch (type) {
    case HELIOS_VALUE_STRING: return 1;
    case HELIOS_VALUE_BOOL: return 2;
    default: return 3; /* FLOAT64 */
  }
}

static const char *type_name(helios_value_type type) {
  switch (type) {
    case HELIOS_VALUE_STRING: return "string";
    case HELIOS_VALUE_BOOL: return "boolean";
    default: return "number";
  }
}

/* ---- checks ---------------------------------------------------------------------------------------------- */

static helios_status check_value(const helios_value *v, const char *name, const char *argument, hl_error *err) {
  if (v->type != HELIOS_VALUE_NUMBER && v->type != HELIOS_VALUE_STRING && v->type != HELIOS_VALUE_BOOL)
    return hl_invalid(err, argument, "'%s' has the unknown type %d", name, (int)v->type);
  if (v->type != HELIOS_VALUE_STRING) return HELIOS_OK;
  if (v->string == NULL) return hl_invalid(err, argument, "'%s' has no string", name);
  if (!hl_utf8_valid(v->string, strlen(v->string)))
    return hl_invalid(err, argument, "the value of '%s' is not valid UTF-8", name);
  return HELIOS_OK;
}

static helios_status check_name(const char *name, const char *argument, hl_error *err) {
  if (name == NULL) return hl_invalid(err, argument, "a name is missing");
  return hl_check_utf8(hl_str_of(name), argument, err);
}

static helios_status check_domain(const helios_hparam *h, hl_error *err) {
  static const char argument[] = "hparam_domain_discrete";
  if (h->domain == NULL && h->domain_count > 0) return hl_invalid(err, argument, "the domain of '%s' is NULL", h->name);
  for (size_t i = 0; i < h->domain_count; i++) {
    if (h->domain[i].type != h->value.type)
      return hl_invalid(err, argument, "'%s' is a %s, but value %zu of its domain is a %s", h->name,
                        type_name(h->value.type), i + 1, type_name(h->domain[i].type));
    helios_status st = check_value(&h->domain[i], h->name, argument, err);
    if (st != HELIOS_OK) return st;
  }
  return HELIOS_OK;
}

static helios_status check_hparams(const helios_hparam *hparams, size_t count, hl_error *err) {
  if (hparams == NULL && count > 0) return hl_invalid(err, "hparam_dict", "is NULL");
  for (size_t i = 0; i < count; i++) {
    helios_status st = check_name(hparams[i].name, "hparam_dict", err);
    if (st == HELIOS_OK) st = check_value(&hparams[i].value, hparams[i].name, "hparam_dict", err);
    if (st == HELIOS_OK) st = check_domain(&hparams[i], err);
    if (st != HELIOS_OK) return st;
  }
  return HELIOS_OK;
}

static helios_status check_metrics(const helios_named_value *metrics, size_t count, hl_error *err) {
  if (metrics == NULL && count > 0) return hl_invalid(err, "metric_dict", "is NULL");
  for (size_t i = 0; i < count; i++) {
    helios_status st = check_name(metrics[i].name, "metric_dict", err);
    if (st != HELIOS_OK) return st;
  }
  return HELIOS_OK;
}

/* ---- messages -------------------------------------------------------------------------------------------- */

/* google.protobuf.Value as field `field`: a oneof, so its member is written even when it is 0 or empty. */
static void put_value(hl_buf *b, uint32_t field, const helios_value *v) {
  size_t hint = v->type == HELIOS_VALUE_STRING ? strlen(v->string) + 2 : SIZE_HINT;
  size_t mark = hl_wire_begin(b, field, hint);
  switch (v->type) {
    case HELIOS_VALUE_STRING: hl_wire_str_field(b, VALUE_STRING, hl_str_of(v->string)); break;
    case HELIOS_VALUE_BOOL: hl_wire_varint_field(b, VALUE_BOOL, v->number != 0); break;
    default: hl_wire_double_field(b, VALUE_NUMBER, v->number); break;
  }
  hl_wire_end(b, mark, hint);
}

static void put_hparam_info(hl_buf *b, const helios_hparam *h) {
  size_t mark = hl_wire_begin(b, EXPERIMENT_HPARAM_INFO, SIZE_HINT);
  hl_wire_opt_str(b, INFO_NAME, hl_str_of(h->name));
  hl_wire_varint_field(b, INFO_TYPE, data_type(h->value.type));
  if (h->has_domain) {
    size_t domain = hl_wire_begin(b, INFO_DOMAIN, SIZE_HINT);
    for (size_t i = 0; i < h->domain_count; i++) put_value(b, DOMAIN_VALUE, &h->domain[i]);
    hl_wire_end(b, domain, SIZE_HINT);
  }
  hl_wire_end(b, mark, SIZE_HINT);
}

static void put_metric_info(hl_buf *b, const char *name) {
  size_t info = hl_wire_begin(b, EXPERIMENT_METRIC_INFO, SIZE_HINT);
  size_t metric_name = hl_wire_begin(b, METRIC_NAME, SIZE_HINT);
  hl_wire_opt_str(b, METRIC_NAME_TAG, hl_str_of(name));
  hl_wire_end(b, metric_name, SIZE_HINT);
  hl_wire_end(b, info, SIZE_HINT);
}

/* An entry of a protobuf map has both fields always. */
static void put_map_entry(hl_buf *b, const helios_hparam *h) {
  size_t mark = hl_wire_begin(b, SESSION_HPARAMS, SIZE_HINT);
  hl_wire_str_field(b, MAP_KEY, hl_str_of(h->name));
  put_value(b, MAP_VALUE, &h->value);
  hl_wire_end(b, mark, SIZE_HINT);
}

/* Where the open messages of a summary began: value, metadata, plugin data, content, one field of the content. */
typedef struct summary_marks {
  size_t value, metadata, plugin_data, content, field;
} summary_marks;

/* Open a summary down to the one field of HParamsPluginData that it holds. */
static summary_marks begin_summary(hl_buf *b, const char *tag, uint32_t field) {
  summary_marks m;
  m.value = hl_value_begin(b, hl_str_of(tag), CONTENT_HINT);
  m.metadata = hl_wire_begin(b, HL_VALUE_METADATA, CONTENT_HINT);
  m.plugin_data = hl_wire_begin(b, HL_METADATA_PLUGIN_DATA, CONTENT_HINT);
  hl_wire_str_field(b, HL_PLUGIN_NAME, hl_str_of("hparams"));
  m.content = hl_wire_begin(b, HL_PLUGIN_CONTENT, CONTENT_HINT);
  m.field = hl_wire_begin(b, field, CONTENT_HINT);
  return m;
}

static helios_status end_summary(hl_buf *b, const char *tag, const summary_marks *m) {
  hl_wire_end(b, m->field, CONTENT_HINT);
  hl_wire_end(b, m->content, CONTENT_HINT);
  hl_wire_end(b, m->plugin_data, CONTENT_HINT);
  hl_wire_end(b, m->metadata, CONTENT_HINT);
  hl_value_end(b, m->value, hl_str_of(tag), CONTENT_HINT);
  return hl_buf_status(b);
}

/* ---- the three summaries --------------------------------------------------------------------------------- */

helios_status hl_encode_hparams_experiment(hl_buf *out, const helios_hparam *hparams, size_t count,
                                           const helios_named_value *metrics, size_t metric_count, hl_error *err) {
  static const char tag[] = "_hparams_/experiment";
  helios_status st = check_hparams(hparams, count, err);
  if (st == HELIOS_OK) st = check_metrics(metrics, metric_count, err);
  if (st != HELIOS_OK) return st;
  summary_marks marks = begin_summary(out, tag, PLUGIN_EXPERIMENT);
  for (size_t i = 0; i < count; i++) put_hparam_info(out, &hparams[i]);
  for (size_t i = 0; i < metric_count; i++) put_metric_info(out, metrics[i].name);
  return end_summary(out, tag, &marks);
}

helios_status hl_encode_hparams_session_start(hl_buf *out, const helios_hparam *hparams, size_t count,
                                              hl_error *err) {
  static const char tag[] = "_hparams_/session_start_info";
  helios_status st = check_hparams(hparams, count, err);
  if (st != HELIOS_OK) return st;
  summary_marks marks = begin_summary(out, tag, PLUGIN_SESSION_START);
  for (size_t i = 0; i < count; i++) put_map_entry(out, &hparams[i]);
  return end_summary(out, tag, &marks);
}

helios_status hl_encode_hparams_session_end(hl_buf *out) {
  static const char tag[] = "_hparams_/session_end_info";
  summary_marks marks = begin_summary(out, tag, PLUGIN_SESSION_END);
  hl_wire_varint_field(out, SESSION_STATUS, STATUS_SUCCESS);
  return end_summary(out, tag, &marks);
}
