/* embedding.h - the parts of an embedding as bytes; writer_embedding.c puts them into files. */
#ifndef HL_EMBEDDING_H
#define HL_EMBEDDING_H

#include "../array.h"
#include "summary.h"

/* Steps in names are zero-filled to this many characters, a minus sign counted. */
enum { HL_EMBEDDING_STEP_DIGITS = 5 };

/* Check all that an embedding consists of before anything is written; *images is set when there are some. */
helios_status hl_embedding_check(const helios_embedding *e, hl_array *matrix, hl_array *images, hl_error *err);

/* The content of tensors.tsv, metadata.tsv and sprite.png. */
helios_status hl_encode_embedding_matrix(hl_buf *out, const hl_array *matrix);
helios_status hl_encode_embedding_metadata(hl_buf *out, const helios_embedding *e);
helios_status hl_encode_embedding_sprite(hl_buf *out, const hl_array *images, hl_error *err);
/* The entry of projector_config.pbtxt; `folder` is relative to the run's. */
helios_status hl_encode_embedding_entry(hl_buf *out, const helios_embedding *e, const char *folder, int64_t step);

#endif
