/* fuzz_record_reader.c - any bytes as an event file: read, scanned, loaded, repaired. Nothing crashes, nothing is larger than
 * the file allows, and what repair writes verifies as whole. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "helios/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[64], target[64];

static void remove_files(void) {
  unlink(path);
  unlink(target);
}

static void put_file(const uint8_t *data, size_t size) {
  static int fd = -1;
  if (fd < 0) {
    const char *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"; /* repair syncs: on a disk that takes long */
    snprintf(path, sizeof path, "%s/helios-fuzz-%d-XXXXXX", folder, (int)getpid());
    fd = mkstemp(path);
    snprintf(target, sizeof target, "%s.out", path);
    atexit(remove_files);
  }
  if (fd < 0 || ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size) abort();
}

static void use_point(const helios_point *p) {
  static double numbers[64];
  helios_bucket buckets[64];
  helios_histogram_view histogram;
  helios_image_view image;
  helios_audio_view audio;
  helios_slice text;
  int64_t sizes[4];
  int dtype, ndim;
  size_t count;
  helios_point_numbers(p, numbers, 64, &count);
  helios_point_shape(p, &dtype, sizes, 4, &ndim);
  helios_point_histogram(p, &histogram, buckets, 64, &count);
  helios_point_image(p, 1, &image);
  helios_point_audio(p, 0, &audio);
  helios_point_string(p, 2, &text);
}

static void scan_run(bool keep_purged) {
  helios_reader_options options = {.size = sizeof options, .max_record = 1 << 20, .keep_purged = keep_purged};
  helios_run *run;
  helios_point point;
  if (helios_run_open(path, &options, &run, NULL, 0) != HELIOS_OK) return;
  while (helios_run_next(run, &point) == HELIOS_OK) use_point(&point);
  helios_run_free(run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  put_file(data, size);
  scan_run(false);
  scan_run(true);
  helios_repair_stats repaired = {.size = sizeof repaired};
  helios_reader_stats state = {.size = sizeof state};
  if (helios_repair_file(path, target, &repaired, NULL, 0) != HELIOS_OK) return 0;
  if (helios_verify_file(target, NULL, &state, NULL, NULL, 0) != HELIOS_OK) abort();
  if (state.records != repaired.kept || state.damaged != 0 || state.cut_bytes != 0) abort();
  return 0;
}
