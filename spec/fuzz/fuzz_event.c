/* fuzz_event.c - any bytes as one Event: every field of every value is decoded in place, inside the bytes. */
#include <stdlib.h>

#include "reader/event_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned char sum;

/* Reading each byte lets the address sanitizer judge the slice. */
static void touch(helios_slice s) {
  for (size_t i = 0; i < s.length; i++) sum = (unsigned char)(sum + (unsigned char)s.data[i]);
}

static void touch_numbers(const helios_point *p) {
  static double numbers[4096];
  static helios_bucket buckets[4096];
  size_t count;
  helios_histogram_view view;
  helios_point_numbers(p, numbers, 4096, &count);
  helios_point_histogram(p, &view, buckets, 4096, &count);
}

static void touch_media(const helios_point *p) {
  helios_image_view image;
  helios_audio_view audio;
  helios_slice text;
  for (size_t i = 0; i < 8; i++) {
    if (helios_point_image(p, i, &image) == HELIOS_OK) touch(image.encoded);
    if (helios_point_audio(p, i, &audio) == HELIOS_OK) touch(audio.encoded);
    if (helios_point_string(p, i, &text) == HELIOS_OK) touch(text);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  helios_event event;
  helios_point point;
  size_t cursor = 0;
  hl_event_decode((hl_str){(const char *)data, size}, 0, &event);
  touch(event.data);
  touch(event.source);
  while (helios_event_next_point(&event, &cursor, &point)) {
    touch(point.tag);
    touch(point.plugin);
    touch(point.content);
    touch(point.data);
    touch_numbers(&point);
    touch_media(&point);
  }
  return 0;
}
