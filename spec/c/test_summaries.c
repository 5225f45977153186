/* test_summaries.c - scalars, text, hyper-parameters and chart layouts: the bytes torch.utils.tensorboard 2.13 gives
 * for the same values (but the table of text and the booleans, which it cannot write). */
#include <float.h>
#include <math.h>

#include "encode_check.h"

static hl_buf buf;
static const hl_str tag = {"t", 1};

static void put_scalar(hl_str name, double value, bool double_precision) {
  hl_buf_reset(&buf);
  size_t n = hl_scalar_summary_size(name.len, double_precision);
  unsigned char *p = hl_buf_grow(&buf, n);
  CHECK_INT(hl_put_scalar_summary(p, name, value, double_precision) - p, n);
}

static void scalars(void) {
  static const struct {
    double value;
    bool double_precision;
    const char *hex;
  } known[] = {{1.5, false, "0a1a0a0174420808012a040000c03f4a0b0a090a077363616c617273"},
               {0.0, false, "0a1a0a0174420808012a04000000004a0b0a090a077363616c617273"},
               {3.4028235677973366e38, false, "0a1a0a0174420808012a040000807f4a0b0a090a077363616c617273"},
               {0.1, true, "0a1e0a0174420c080232089a9999999999b93f4a0b0a090a077363616c617273"}};
  for (size_t i = 0; i < 4; i++) {
    put_scalar(tag, known[i].value, known[i].double_precision);
    CHECK_HEX(&buf, known[i].hex);
  }
  put_scalar(hl_str_of(""), -0.0, false);
  CHECK_HEX(&buf, "0a17420808012a04000000804a0b0a090a077363616c617273");
}

static void text(void) {
  hl_error err = {0};
  hl_buf_reset(&buf);
  CHECK_INT(hl_encode_text(&buf, tag, hl_str_of("h\xc3\xa9"), &err), HELIOS_OK);
  CHECK_HEX(&buf, "0a290a0e742f746578745f73756d6d617279420d0807120412020801420368c3a94a080a060a0474657874");
  hl_buf_reset(&buf);
  hl_encode_text(&buf, tag, hl_str_of(""), &err);
  CHECK_HEX(&buf, "0a260a0e742f746578745f73756d6d617279420a080712041202080142004a080a060a0474657874");
  hl_buf_reset(&buf);
  CHECK_INT(hl_encode_text(&buf, tag, (hl_str){"a\0b", 3}, &err), HELIOS_OK); /* NUL is a character like any other */
  CHECK_HEX(&buf, "0a290a0e742f746578745f73756d6d617279420d080712041202080142036100624a080a060a0474657874");
  CHECK_INVALID(hl_encode_text(&buf, tag, hl_str_of("\xff"), &err), err, "text_string", "not valid UTF-8");
}

static void tables(void) {
  const hl_str cells[] = {{"a", 1}, {"", 0}, {"c", 1}, {"d", 1}, {"e", 1}, {"\xc0\x80", 2}};
  hl_error err = {0};
  hl_buf_reset(&buf);
  CHECK_INT(hl_encode_text_table(&buf, tag, cells, 2, 2, &err), HELIOS_OK);
  CHECK_HEX(&buf,
            "0a330a0e742f746578745f73756d6d61727942170807120812020802120208024201614200420163420164"
            "4a080a060a0474657874");
  CHECK_INVALID(hl_encode_text_table(&buf, tag, cells, 3, 2, &err), err, "text_string",
                "the cell in row 3, column 2 is not valid UTF-8");
  CHECK_INVALID(hl_encode_text_table(&buf, tag, cells, 0, 2, &err), err, "text_string", "the table has no cells");
  CHECK_INVALID(hl_encode_text_table(&buf, tag, cells, SIZE_MAX / 2, 3, &err), err, "text_string",
                "the table has too many cells");
}

static void utf8(void) {
  static const char *const good[] = {"",         "plain ASCII, longer than eight bytes",
                                     "\xc2\x80", "\xdf\xbf",
                                     "\xe0\xa0\x80", "\xed\x9f\xbf",
                                     "\xee\x80\x80", "\xef\xbf\xbf",
                                     "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf",
                                     "12345678\xc3\xa9"};
  static const char *const bad[] = {"\x80",         "\xbf",         "\xc0\xaf",         "\xc1\xbf",
                                    "\xc3",         "\xc3(",        "\xe0\x9f\xbf",     "\xed\xa0\x80",
                                    "\xed\xbf\xbf", "\xe2\x82",     "\xe2\x82(",        "\xf0\x8f\xbf\xbf",
                                    "\xfe",         "\xf0\x90\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
                                    "\xff",         "12345678\xc3", "\xf0\x90\x80("};
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) CHECK(hl_utf8_valid(good[i], strlen(good[i])));
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) CHECK(!hl_utf8_valid(bad[i], strlen(bad[i])));
  CHECK(hl_utf8_valid("a\0b", 3));
}

/* ---- hyper-parameters ---------------------------------------------------------------------------------------- */

static const helios_value optimizers[] = {{HELIOS_VALUE_STRING, 0, "adam"}, {HELIOS_VALUE_STRING, 0, "sgd"}};
static const helios_hparam hparams[] = {
    {"lr", {HELIOS_VALUE_NUMBER, 0.5, NULL}, NULL, 0, true},
    {"opt", {HELIOS_VALUE_STRING, 0, "adam"}, optimizers, 2, true},
};
static const helios_named_value metrics[] = {{"acc", 1.0}};

static void hparams_as_torch(void) {
  hl_error err = {0};
  hl_buf_reset(&buf);
  CHECK_INT(hl_encode_hparams_experiment(&buf, hparams, 2, metrics, 1, &err), HELIOS_OK);
  CHECK_HEX(&buf,
            "0a540a145f68706172616d735f2f6578706572696d656e744a3c0a3a0a0768706172616d73122f122d22080a026c7220032a00"
            "22180a036f707420012a0f0a061a046164616d0a051a037367642a070a051203616363");
  hl_buf_reset(&buf);
  CHECK_INT(hl_encode_hparams_session_start(&buf, hparams, 1, &err), HELIOS_OK);
  CHECK_HEX(&buf,
            "0a400a1c5f68706172616d735f2f73657373696f6e5f73746172745f696e666f4a200a1e0a0768706172616d7312131a110a0f"
            "0a026c72120911000000000000e03f");
  hl_buf_reset(&buf);
  CHECK_INT(hl_encode_hparams_session_end(&buf), HELIOS_OK);
  CHECK_HEX(&buf,
            "0a2f0a1a5f68706172616d735f2f73657373696f6e5f656e645f696e666f4a110a0f0a0768706172616d73120422020801");
}

static void empty_hparams(void) {
  hl_error err = {0};
  hl_buf_reset(&buf);
  CHECK_INT(hl_encode_hparams_experiment(&buf, NULL, 0, NULL, 0, &err), HELIOS_OK);
  CHECK_HEX(&buf, "0a270a145f68706172616d735f2f6578706572696d656e744a0f0a0d0a0768706172616d7312021200");
  hl_buf_reset(&buf);
  CHECK_INT(hl_encode_hparams_session_start(&buf, NULL, 0, &err), HELIOS_OK);
  CHECK_HEX(&buf,
            "0a2f0a1c5f68706172616d735f2f73657373696f6e5f73746172745f696e666f4a0f0a0d0a0768706172616d7312021a00");
}

static void booleans_are_booleans(void) {
  const helios_value no = {HELIOS_VALUE_BOOL, 0, NULL};
  const helios_hparam aug = {"a", {HELIOS_VALUE_BOOL, 1, NULL}, &no, 1, true};
  hl_error err = {0};
  hl_buf_reset(&buf);
  hl_encode_hparams_experiment(&buf, &aug, 1, NULL, 0, &err); /* type BOOL (2), a domain of bool_value false */
  CHECK_HEX(&buf,
            "0a340a145f68706172616d735f2f6578706572696d656e744a1c0a1a0a0768706172616d73120f120d220b0a016120022a040a02"
            "2000");
  hl_buf_reset(&buf);
  hl_encode_hparams_session_start(&buf, &aug, 1, &err);
  CHECK_HEX(&buf,
            "0a380a1c5f68706172616d735f2f73657373696f6e5f73746172745f696e666f4a180a160a0768706172616d73120b1a090a07"
            "0a016112022001");
}

static void wrong_hparams(void) {
  hl_error err;
  helios_hparam h = hparams[1];
  h.value = (helios_value){HELIOS_VALUE_NUMBER, 1, NULL};
  CHECK_INVALID(hl_encode_hparams_experiment(&buf, &h, 1, NULL, 0, &err), err, "hparam_domain_discrete",
                "'opt' is a number, but value 1 of its domain is a string");
  h = hparams[0];
  h.name = "\xff";
  CHECK_INVALID(hl_encode_hparams_session_start(&buf, &h, 1, &err), err, "hparam_dict", "not valid UTF-8");
  h.name = NULL;
  CHECK_INVALID(hl_encode_hparams_session_start(&buf, &h, 1, &err), err, "hparam_dict", "a name is missing");
  h = (helios_hparam){"s", {HELIOS_VALUE_STRING, 0, "\xff"}, NULL, 0, false};
  CHECK_INVALID(hl_encode_hparams_session_start(&buf, &h, 1, &err), err, "hparam_dict",
                "the value of 's' is not valid UTF-8");
  h.value.string = NULL;
  CHECK_INVALID(hl_encode_hparams_session_start(&buf, &h, 1, &err), err, "hparam_dict", "'s' has no string");
  const helios_named_value metric = {"\xff", 0};
  CHECK_INVALID(hl_encode_hparams_experiment(&buf, NULL, 0, &metric, 1, &err), err, "metric_dict", "not valid UTF-8");
}

/* ---- chart layouts ------------------------------------------------------------------------------------------- */

static const hl_str lines[] = {{"x", 1}, {"y", 1}};
static const hl_str margin[] = {{"v", 1}, {"l", 1}, {"u", 1}};
static const hl_chart charts[] = {{{"a", 1}, false, lines, 2}, {{"m", 1}, true, margin, 3}};
static const hl_category category = {{"c", 1}, charts, 2};

static void custom_scalars(void) {
  hl_error err = {0};
  hl_buf_reset(&buf);
  CHECK_INT(hl_encode_custom_scalars(&buf, &category, 1, &err), HELIOS_OK);
  CHECK_HEX(&buf,
            "0a5a0a18637573746f6d5f7363616c6172735f5f636f6e6669675f5f422a08071200422412220a0163120b0a01611206"
            "0a01780a017912100a016d1a0b0a090a017612016c1a01754a120a100a0e637573746f6d5f7363616c617273");
  const hl_chart two_tags = {{"m", 1}, true, margin, 2};
  const hl_category wrong = {{"c", 1}, &two_tags, 1};
  CHECK_INVALID(hl_encode_custom_scalars(&buf, &wrong, 1, &err), err, "layout",
                "a margin chart needs three tags (value, lower, upper), got 2");
}

/* ---- memory -------------------------------------------------------------------------------------------------- */

static char long_text[5000];

static helios_status encode_text(hl_buf *out) {
  return hl_encode_text(out, tag, (hl_str){long_text, sizeof long_text}, NULL);
}
static helios_status encode_experiment(hl_buf *out) {
  return hl_encode_hparams_experiment(out, hparams, 2, metrics, 1, NULL);
}
static helios_status encode_session(hl_buf *out) { return hl_encode_hparams_session_start(out, hparams, 2, NULL); }
static helios_status encode_layout(hl_buf *out) { return hl_encode_custom_scalars(out, &category, 1, NULL); }

int main(void) {
  hl_buf_init(&buf, NULL);
  scalars();
  text();
  tables();
  utf8();
  hparams_as_torch();
  empty_hparams();
  booleans_are_booleans();
  wrong_hparams();
  custom_scalars();
  memset(long_text, 'x', sizeof long_text);
  CHECK(fail_each_allocation(encode_text) > 0);
  CHECK(fail_each_allocation(encode_experiment) > 0);
  CHECK(fail_each_allocation(encode_session) > 0);
  CHECK(fail_each_allocation(encode_layout) > 1);
  hl_buf_free(&buf);
  return check_done("summaries");
}
