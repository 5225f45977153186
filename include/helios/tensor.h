/* helios/tensor.h - arrays as the library takes them: DLPack's DLTensor, never copied needlessly.
 *
 * A tensor argument is `const DLTensor *`: it is read during the call and not kept. Only CPU memory
 * (kDLCPU, kDLCUDAHost, kDLCUDAManaged) with lanes == 1 is taken; strides are in elements and may be
 * NULL (C-contiguous), negative or zero; byte_offset is honoured; data may be NULL only when a
 * dimension is 0. Source of the layout: https://dmlc.github.io/dlpack/latest/c_api.html */
#ifndef HELIOS_TENSOR_H
#define HELIOS_TENSOR_H

#include <dlpack/dlpack.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Most dimensions a tensor may have. */
#define HELIOS_MAX_NDIM 32

/* DLPack's type code of booleans (8 bits each), which older dlpack.h files lack. */
#define HELIOS_DL_BOOL 6

/* Element types. The values are stable. */
typedef enum helios_dtype {
  HELIOS_BOOL = 0,
  HELIOS_INT8 = 1,
  HELIOS_INT16 = 2,
  HELIOS_INT32 = 3,
  HELIOS_INT64 = 4,
  HELIOS_UINT8 = 5,
  HELIOS_UINT16 = 6,
  HELIOS_UINT32 = 7,
  HELIOS_UINT64 = 8,
  HELIOS_FLOAT16 = 9,
  HELIOS_BFLOAT16 = 10,
  HELIOS_FLOAT32 = 11,
  HELIOS_FLOAT64 = 12
} helios_dtype;

/* "float32" and the like, as api and Lua name them; NULL for a value that is no dtype. */
HELIOS_API const char *helios_dtype_name(helios_dtype dtype);

/* The dtype of that name, or -1. */
HELIOS_API int helios_dtype_from_name(const char *name);

/* Size of one element in bytes. */
HELIOS_API size_t helios_dtype_size(helios_dtype dtype);

/* The DLPack description of a dtype (lanes 1), and back: -1 when DLPack's has no counterpart here. */
HELIOS_API DLDataType helios_dtype_to_dl(helios_dtype dtype);
HELIOS_API int helios_dtype_from_dl(DLDataType type);

#ifdef __cplusplus
}
#endif
#endif
