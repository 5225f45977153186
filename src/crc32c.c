/* crc32c.c - CRC-32C three ways: the CPU's instruction in three interleaved streams, the same one after another, and
 * eight tables for every other machine.
 *
 * The polynomial is reflected: bit 31 of a word is the coefficient of x^0. The instruction has a latency of three
 * cycles and a throughput of one, so long inputs are cut in three stretches of LONG (then SHORT) bytes that are summed
 * side by side. CRCs are linear: crc(A B) = shift(crc(A), |B|) ^ crc0(B), where shift multiplies by x^(8 |B|) modulo the
 * polynomial. That product is four table look-ups for the two lengths used here.
 * Idea: V. Gopal et al., "Fast CRC Computation for iSCSI Polynomial Using CRC32 Instruction", Intel, 2011. */
#include "crc32c.h"

#include <pthread.h>
#include <stdatomic.h>

#include "bytes.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#define HAVE_INSTRUCTION 1
#define WITH_CRC __attribute__((target("sse4.2")))
#define CRC8(crc, v) ((uint32_t)_mm_crc32_u8((crc), (v)))
#define CRC64(crc, v) ((uint32_t)_mm_crc32_u64((crc), (v)))
static int cpu_has_crc(void) { return __builtin_cpu_supports("sse4.2"); }
#elif defined(__aarch64__) && defined(__linux__)
#include <arm_acle.h>
#include <sys/auxv.h>
#define HAVE_INSTRUCTION 1
#define WITH_CRC __attribute__((target("+crc")))
#define CRC8(crc, v) __crc32cb((crc), (v))
#define CRC64(crc, v) __crc32cd((crc), (v))
static int cpu_has_crc(void) { return (getauxval(AT_HWCAP) & (1UL << 7)) != 0; } /* HWCAP_CRC32 */
#endif

#define POLYNOMIAL 0x82F63B78u

/* ---- tables, made once ---------------------------------------------------------------------------- */

enum { LONG = 4096, SHORT = 256 };

static uint32_t by_byte[8][256];  /* by_byte[k][b]: CRC of byte b followed by k zero bytes */
static uint32_t shift_long[4][256];
static uint32_t shift_short[4][256];
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static uint32_t times_x(uint32_t a) { return a & 1 ? (a >> 1) ^ POLYNOMIAL : a >> 1; }

/* a * b modulo the polynomial */
static uint32_t multiply(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (uint32_t bit = 1u << 31; bit != 0; bit >>= 1) {
    if (a & bit) product ^= b;
    b = times_x(b);
  }
  return product;
}

static uint32_t power_of_x(uint64_t exponent) {
  uint32_t result = 1u << 31, square = 1u << 30;
  for (; exponent != 0; exponent >>= 1) {
    if (exponent & 1) result = multiply(result, square);
    square = multiply(square, square);
  }
  return result;
}

static void make_shift(uint32_t table[4][256], uint64_t bytes) {
  uint32_t factor = power_of_x(8 * bytes);
  for (uint32_t k = 0; k < 4; k++)
    for (uint32_t b = 0; b < 256; b++) table[k][b] = multiply(factor, b << (8 * k));
}

static void make_tables(void) {
  for (uint32_t b = 0; b < 256; b++) {
    uint32_t crc = b;
    for (int bit = 0; bit < 8; bit++) crc = times_x(crc);
    by_byte[0][b] = crc;
  }
  for (int k = 1; k < 8; k++)
    for (uint32_t b = 0; b < 256; b++)
      by_byte[k][b] = (by_byte[k - 1][b] >> 8) ^ by_byte[0][by_byte[k - 1][b] & 0xff];
  make_shift(shift_long, LONG);
  make_shift(shift_short, SHORT);
}

/* ---- portable --------------------------------------------------------------------------------------- */

static uint32_t eight_bytes(uint32_t crc, const unsigned char *p) {
  uint64_t v = hl_get_le64(p) ^ crc;
  return by_byte[7][v & 0xff] ^ by_byte[6][(v >> 8) & 0xff] ^ by_byte[5][(v >> 16) & 0xff] ^
         by_byte[4][(v >> 24) & 0xff] ^ by_byte[3][(v >> 32) & 0xff] ^ by_byte[2][(v >> 40) & 0xff] ^
         by_byte[1][(v >> 48) & 0xff] ^ by_byte[0][v >> 56];
}

uint32_t hl_crc32c_portable(uint32_t crc, const void *data, size_t n) {
  pthread_once(&tables_once, make_tables);
  const unsigned char *p = data;
  crc = ~crc;
  for (; n >= 8; n -= 8, p += 8) crc = eight_bytes(crc, p);
  for (; n > 0; n--) crc = (crc >> 8) ^ by_byte[0][(crc ^ *p++) & 0xff];
  return ~crc;
}

/* ---- with the instruction --------------------------------------------------------------------------- */

#ifdef HAVE_INSTRUCTION

static uint32_t shift(uint32_t table[4][256], uint32_t crc) {
  return table[0][crc & 0xff] ^ table[1][(crc >> 8) & 0xff] ^ table[2][(crc >> 16) & 0xff] ^ table[3][crc >> 24];
}

/* Three stretches of `stretch` bytes each; crc is in the inverted form the instruction works on. */
WITH_CRC static uint32_t three_streams(uint32_t crc, const unsigned char *p, size_t stretch,
                                       uint32_t table[4][256]) {
  uint32_t second = 0, third = 0;
  for (size_t i = 0; i < stretch; i += 8) {
    crc = CRC64(crc, hl_get_le64(p + i));
    second = CRC64(second, hl_get_le64(p + stretch + i));
    third = CRC64(third, hl_get_le64(p + 2 * stretch + i));
  }
  return shift(table, shift(table, crc) ^ second) ^ third;
}

WITH_CRC static uint32_t crc32c_instruction(uint32_t crc, const void *data, size_t n) {
  const unsigned char *p = data;
  crc = ~crc;
  if (n >= 3 * SHORT) {
    pthread_once(&tables_once, make_tables);
    for (; n >= 3 * LONG; n -= 3 * LONG, p += 3 * LONG) crc = three_streams(crc, p, LONG, shift_long);
    for (; n >= 3 * SHORT; n -= 3 * SHORT, p += 3 * SHORT) crc = three_streams(crc, p, SHORT, shift_short);
  }
  for (; n >= 8; n -= 8, p += 8) crc = CRC64(crc, hl_get_le64(p));
  for (; n > 0; n--) crc = CRC8(crc, *p++);
  return ~crc;
}

#endif

/* ---- chosen at the first call ------------------------------------------------------------------------ */

typedef uint32_t (*crc_fn)(uint32_t crc, const void *data, size_t n);

static uint32_t choose(uint32_t crc, const void *data, size_t n);
static _Atomic(crc_fn) chosen = choose;

static uint32_t choose(uint32_t crc, const void *data, size_t n) {
  crc_fn best = hl_crc32c_portable;
#ifdef HAVE_INSTRUCTION
  if (cpu_has_crc()) best = crc32c_instruction;
#endif
  atomic_store_explicit(&chosen, best, memory_order_relaxed);
  return best(crc, data, n);
}

uint32_t hl_crc32c(uint32_t crc, const void *data, size_t n) {
  return atomic_load_explicit(&chosen, memory_order_relaxed)(crc, data, n);
}
