/* tensor.c - the element types: names, sizes and what DLPack calls them. */
#include "helios/tensor.h"

#include <string.h>

typedef struct dtype_info {
  const char *name;
  uint8_t size;
  uint8_t dl_code;
} dtype_info;

static const dtype_info dtypes[] = {
    [HELIOS_BOOL] = {"bool", 1, HELIOS_DL_BOOL},   [HELIOS_INT8] = {"int8", 1, kDLInt},
    [HELIOS_INT16] = {"int16", 2, kDLInt},         [HELIOS_INT32] = {"int32", 4, kDLInt},
    [HELIOS_INT64] = {"int64", 8, kDLInt},         [HELIOS_UINT8] = {"uint8", 1, kDLUInt},
    [HELIOS_UINT16] = {"uint16", 2, kDLUInt},      [HELIOS_UINT32] = {"uint32", 4, kDLUInt},
    [HELIOS_UINT64] = {"uint64", 8, kDLUInt},      [HELIOS_FLOAT16] = {"float16", 2, kDLFloat},
    [HELIOS_BFLOAT16] = {"bfloat16", 2, kDLBfloat}, [HELIOS_FLOAT32] = {"float32", 4, kDLFloat},
    [HELIOS_FLOAT64] = {"float64", 8, kDLFloat},
};

enum { DTYPE_COUNT = sizeof dtypes / sizeof dtypes[0] };

/* Through int, since a C caller can put any number into an enum. */
static const dtype_info *find(helios_dtype dtype) {
  int i = (int)dtype;
  return i >= 0 && i < DTYPE_COUNT ? &dtypes[i] : NULL;
}

const char *helios_dtype_name(helios_dtype dtype) {
  const dtype_info *d = find(dtype);
  return d == NULL ? NULL : d->name;
}

int helios_dtype_from_name(const char *name) {
  for (int i = 0; name != NULL && i < DTYPE_COUNT; i++)
    if (strcmp(dtypes[i].name, name) == 0) return i;
  return -1;
}

size_t helios_dtype_size(helios_dtype dtype) {
  const dtype_info *d = find(dtype);
  return d == NULL ? 0 : d->size;
}

DLDataType helios_dtype_to_dl(helios_dtype dtype) {
  const dtype_info *d = find(dtype);
  if (d == NULL) return (DLDataType){0};
  return (DLDataType){d->dl_code, (uint8_t)(d->size * 8), 1};
}

int helios_dtype_from_dl(DLDataType type) {
  for (int i = 0; type.lanes == 1 && i < DTYPE_COUNT; i++)
    if (dtypes[i].dl_code == type.code && dtypes[i].size * 8 == type.bits) return i;
  return -1;
}
