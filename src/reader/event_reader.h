/* event_reader.h - events and values from bytes. Pure: no file, no memory. */
#ifndef HL_EVENT_READER_H
#define HL_EVENT_READER_H

#include "../buf.h"
#include "helios/reader.h"

/* False when the bytes are no Event. */
bool hl_event_decode(hl_str record, uint64_t offset, helios_event *e);

/* Append the event to `out`, with another summary in place of its own. */
void hl_event_with_summary(hl_buf *out, const helios_event *e, const hl_buf *summary);

/* What a tensor of this plugin is to a user; no plugin: a plain tensor. */
helios_kind hl_kind_of_plugin(helios_slice plugin);
/* A point of this event with nothing in it yet. */
void hl_point_init(helios_point *p, const helios_event *e);
/* A tensor whose plugin was told by an earlier value of its tag gets its kind from there. */
void hl_point_set_kind(helios_point *p, helios_kind kind);

/* The one number of a tensor of one number. False when it is none. *single: it was a float. (values.c) */
bool hl_tensor_scalar(helios_slice tensor, double *value, bool *single);

#endif
