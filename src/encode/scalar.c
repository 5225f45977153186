/* scalar.c - a new-style scalar: a one-element float tensor under plugin `scalars`. */
#include "tensor_proto.h"

enum { SIZE_HINT = 30 }; /* tensor and metadata together, either precision */

helios_status hl_encode_scalar(hl_buf *out, hl_str tag, double value, bool double_precision) {
  size_t mark = hl_value_begin(out, tag, SIZE_HINT);
  hl_put_scalar_tensor(out, value, double_precision);
  hl_put_metadata(out, hl_str_of("scalars"), (hl_str){"", 0});
  hl_value_end(out, mark, tag, SIZE_HINT);
  return hl_buf_status(out);
}
