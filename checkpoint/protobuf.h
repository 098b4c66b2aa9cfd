/*
 * The wire format of protocol buffers (proto2), as much of it as CRIU's RPC needs: varints and
 * length-delimited fields. Source: "Encoding" of the protocol buffers documentation. Host side.
 *
 *	protobuf_add_number(&message, 1, DUMP);
 *	protobuf_add_bytes(&message, 2, options.data, options.length);    a message within a message
 *
 *	struct protobuf_reader reader = {data, size};
 *	while ((r = protobuf_next(&reader, &field)) > 0) …                 unknown fields are passed over
 */
#ifndef LVM_RUN_CHECKPOINT_PROTOBUF_H
#define LVM_RUN_CHECKPOINT_PROTOBUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Numbers, enumerations and booleans; negative int32 values are given as (uint64_t)(int64_t)n. */
void protobuf_add_number(struct strbuf *message, unsigned int number, uint64_t value);
/* Strings, bytes, embedded messages. */
void protobuf_add_bytes(struct strbuf *message, unsigned int number, const void *data, size_t size);
/* A string; a null one is left out. */
void protobuf_add_text(struct strbuf *message, unsigned int number, const char *text);

struct protobuf_reader {
	const unsigned char *data;
	size_t size; /* what is left */
};

struct protobuf_field {
	unsigned int number;
	uint64_t value;            /* of a varint or fixed field */
	const unsigned char *data; /* of a length-delimited one, else null */
	size_t size;
};

/* 1 with the next field, 0 at the end, −EBADMSG for bytes that are no such message. */
int protobuf_next(struct protobuf_reader *reader, struct protobuf_field *ret) must_check;

#endif
