/* audio.c - mono sound as 16-bit PCM in the plain 44-byte WAV header, inside Summary.Audio.
 *   Audio { sample_rate=1 float, num_channels=2, length_frames=3, encoded=4, content_type=5 }
 * A sample is x * 32767 in x's own precision, truncated. What is outside [-1, 1] is clipped first; NaN is silence. */
#include <math.h>

#include "../array.h"
#include "summary.h"

enum { VALUE_AUDIO = 6, WAV_HEADER = 44, BLOCK = 512, SIZE_HINT = 64 };
enum { AUDIO_RATE = 1, AUDIO_CHANNELS = 2, AUDIO_FRAMES = 3, AUDIO_ENCODED = 4, AUDIO_TYPE = 5 };

static const double FULL_SCALE = 32767.0;
static const double MAX_RATE = INT32_MAX; /* the header also holds rate * 2 in 32 bits */

static double clipped(double x) { return x > 1 ? 1 : x >= -1 ? x : x < -1 ? -1 : 0; }

/* float32 and float16 samples are multiplied in their own precision, as numpy does. 32767 is 32768 in float16, so
 * that full scale is one too much for 16 bits there. */
static int16_t sample_of(double x, helios_dtype dtype) {
  double c = clipped(x), product = c * FULL_SCALE;
  if (dtype == HELIOS_FLOAT32) product = (float)c * (float)FULL_SCALE;
  if (dtype == HELIOS_FLOAT16 || dtype == HELIOS_BFLOAT16)
    product = hl_half_to_float(hl_float_to_half((float)(hl_half_to_float(hl_float_to_half((float)c)) * 32768.0)));
  return product >= FULL_SCALE ? INT16_MAX : (int16_t)product;
}

/* The one dimension that is left when those of size 1 are dropped. */
static helios_status check_samples(const hl_array *a, hl_error *err) {
  int long_ones = 0;
  for (int i = 0; i < a->ndim; i++) long_ones += a->shape[i] != 1;
  if (long_ones != 1 || a->numel < 2)
    return hl_invalid(err, "snd_tensor", "expected one dimension of at least 2 samples (others of size 1)");
  if (a->dtype == HELIOS_UINT8 || a->dtype == HELIOS_INT8)
    return hl_invalid(err, "snd_tensor", "expected samples from -1 to 1, got 8-bit integers");
  if (a->numel > (INT32_MAX - WAV_HEADER) / 2) return hl_invalid(err, "snd_tensor", "more than 2 GiB of sound");
  return HELIOS_OK;
}

static void put_le16(unsigned char *p, uint16_t v) {
  p[0] = (unsigned char)v;
  p[1] = (unsigned char)(v >> 8);
}

static void put_wav_header(unsigned char *p, uint32_t rate, uint32_t data_size) {
  memcpy(p, "RIFF", 4);
  hl_put_le32(p + 4, data_size + WAV_HEADER - 8);
  memcpy(p + 8, "WAVEfmt ", 8);
  hl_put_le32(p + 16, 16);
  put_le16(p + 20, 1); /* PCM */
  put_le16(p + 22, 1); /* channel */
  hl_put_le32(p + 24, rate);
  hl_put_le32(p + 28, rate * 2);
  put_le16(p + 32, 2); /* bytes of a frame */
  put_le16(p + 34, 16);
  memcpy(p + 36, "data", 4);
  hl_put_le32(p + 40, data_size);
}

static void put_wav(hl_buf *b, const hl_array *a, uint32_t rate) {
  uint32_t data_size = (uint32_t)a->numel * 2;
  unsigned char *p = hl_buf_grow(b, WAV_HEADER + data_size);
  if (p == NULL) return;
  put_wav_header(p, rate, data_size);
  p += WAV_HEADER;
  double block[BLOCK];
  size_t n;
  hl_array_iter it;
  hl_array_iter_init(&it, a);
  while ((n = hl_array_next_doubles(&it, block, BLOCK)) > 0)
    for (size_t i = 0; i < n; i++, p += 2) put_le16(p, (uint16_t)sample_of(block[i], a->dtype));
}

helios_status hl_check_audio(hl_array *array, const DLTensor *sound, double sample_rate, hl_error *err) {
  helios_status st = hl_array_from_dl(array, sound, "snd_tensor", err);
  if (st == HELIOS_OK) st = check_samples(array, err);
  if (st != HELIOS_OK) return st;
  double rate = nearbyint(sample_rate);
  if (!(rate >= 1 && rate <= MAX_RATE))
    return hl_invalid(err, "sample_rate", "expected 1 to %.0f Hz, got %g", MAX_RATE, sample_rate);
  return HELIOS_OK;
}

helios_status hl_encode_audio(hl_buf *out, hl_str tag, const DLTensor *sound, double sample_rate, hl_error *err) {
  hl_array a;
  helios_status st = hl_check_audio(&a, sound, sample_rate, err);
  if (st != HELIOS_OK) return st;
  size_t wav = WAV_HEADER + a.numel * 2, hint = wav + SIZE_HINT;
  size_t mark = hl_value_begin(out, tag, hint);
  size_t audio = hl_wire_begin(out, VALUE_AUDIO, hint);
  hl_wire_opt_float(out, AUDIO_RATE, (float)sample_rate);
  hl_wire_varint_field(out, AUDIO_CHANNELS, 1);
  hl_wire_varint_field(out, AUDIO_FRAMES, a.numel);
  hl_wire_header(out, AUDIO_ENCODED, wav);
  put_wav(out, &a, (uint32_t)nearbyint(sample_rate));
  hl_wire_str_field(out, AUDIO_TYPE, hl_str_of("audio/wav"));
  hl_wire_end(out, audio, hint);
  hl_value_end(out, mark, tag, hint);
  return hl_buf_status(out);
}
