#include "checkpoint/timers.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "checkpoint/protobuf.h"

/* Numbers of CRIU's magic.h, fdinfo.proto and timerfd.proto. */
enum { MAGIC_COMMON = 0x54564319, MAGIC_FILES = 0x56303138, WORD = 4 };
enum { FILE_TIMER = 12 };
enum { TIMER_SECONDS = 7, TIMER_NANOSECONDS = 8, TIMER_EVERY_SECONDS = 9, TIMER_EVERY_NANO = 10 };
enum { TIMER_FIELDS = TIMER_EVERY_NANO + 1 };

static uint32_t take_u32(const unsigned char *data)
{
	uint32_t number;

	memcpy(&number, data, sizeof(number));
	return number;
}

static void copy_field(struct strbuf *to, const struct protobuf_field *field)
{
	if (field->data)
		protobuf_add_bytes(to, field->number, field->data, field->size);
	else
		protobuf_add_number(to, field->number, field->value);
}

/* 1: it is periodic and has run out. */
static int needs_mending(const struct protobuf_field *timer)
{
	struct protobuf_reader reader = {timer->data, timer->size};
	struct protobuf_field field;
	uint64_t values[TIMER_FIELDS] = {0};
	int r;

	while ((r = protobuf_next(&reader, &field)) > 0)
		if (field.number < TIMER_FIELDS && !field.data)
			values[field.number] = field.value;
	if (r < 0)
		return r;
	return !values[TIMER_SECONDS] && !values[TIMER_NANOSECONDS] &&
	       (values[TIMER_EVERY_SECONDS] || values[TIMER_EVERY_NANO]);
}

/* All of them are there: CRIU writes required fields. */
static void add_timer(struct strbuf *to, const struct protobuf_field *timer)
{
	struct protobuf_reader reader = {timer->data, timer->size};
	struct protobuf_field field;
	scoped_strbuf mended = {0};

	while (protobuf_next(&reader, &field) > 0) {
		if (field.number == TIMER_SECONDS || field.number == TIMER_NANOSECONDS)
			continue;
		copy_field(&mended, &field);
		if (field.number == TIMER_EVERY_SECONDS)
			protobuf_add_number(&mended, TIMER_SECONDS, field.value);
		if (field.number == TIMER_EVERY_NANO)
			protobuf_add_number(&mended, TIMER_NANOSECONDS, field.value);
	}
	to->failed |= mended.failed;
	protobuf_add_bytes(to, FILE_TIMER, mended.data, mended.length);
}

/* One file of the list, with its size before it; 1: it was mended. */
static int add_file(struct strbuf *to, const unsigned char *data, size_t size)
{
	struct protobuf_reader reader = {data, size};
	struct protobuf_field field;
	scoped_strbuf file = {0};
	int mended = 0;
	int r;

	while ((r = protobuf_next(&reader, &field)) > 0) {
		int bad = field.number == FILE_TIMER && field.data ? needs_mending(&field) : 0;

		if (bad < 0)
			return bad;
		if (bad)
			add_timer(&file, &field);
		else
			copy_field(&file, &field);
		mended |= bad;
	}
	if (r < 0)
		return r;

	/* What was not mended stays byte for byte. */
	const uint32_t length = (uint32_t)(mended ? file.length : size);

	to->failed |= mended && file.failed;
	strbuf_add(to, (const char *)&length, sizeof(length));
	strbuf_add(to, mended ? file.data : (const char *)data, length);
	return mended;
}

int timers_mend_image(const void *data, size_t size, struct strbuf *ret)
{
	const unsigned char *bytes = data;
	int mended = 0;
	size_t at = 2 * WORD;

	if (size < at || take_u32(bytes) != MAGIC_COMMON || take_u32(bytes + WORD) != MAGIC_FILES)
		return -EBADMSG;
	strbuf_add(ret, data, at);
	while (at < size) {
		size_t length = size - at < WORD ? size : take_u32(bytes + at);
		int r;

		at += WORD;
		if (at > size || length > size - at)
			return -EBADMSG;
		r = add_file(ret, bytes + at, length);
		if (r < 0)
			return r;
		mended |= r;
		at += length;
	}
	return mended;
}

int timers_mend(int directory, struct error *err)
{
	static const char name[] = "files.img";
	enum { LIMIT = 256 * 1024 * 1024 };
	scoped_str data = NULL;
	scoped_strbuf mended = {0};
	size_t size = 0;
	int r = file_read(directory, name, LIMIT, &data, &size, err);

	if (r < 0)
		return r;
	r = timers_mend_image(data, size, &mended);
	if (r < 0)
		return error_set(err, EPROTO, "%s is not what CRIU is known to write", name);
	if (mended.failed)
		return error_code(err, ENOMEM, "%s", name);
	return r == 0 ? 0
	              : file_write_atomic(directory, name, 0600, mended.data, mended.length, err);
}
