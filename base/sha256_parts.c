#include "base/sha256_parts.h"

void sha256_parts_begin(struct sha256_parts *parts)
{
	sha256_begin(&parts->digests);
	parts->unit = SHA256_UNIT_UNKNOWN;
	parts->wide = SHA256_UNIT_UNKNOWN;
	parts->size = 0;
	parts->used = 0;
}

void *sha256_parts_room(struct sha256_parts *parts, size_t *ret_room)
{
	*ret_room = sizeof(parts->buffer) - parts->used;
	return parts->buffer + parts->used;
}

static void begin_part(const struct sha256_parts *parts, struct sha256 *ret)
{
	sha256_begin(ret);
	ret->unit = parts->unit;
}

static void end_part(struct sha256_parts *parts, struct sha256 *part)
{
	unsigned char digest[SHA256_SIZE];

	if (part->unit != SHA256_UNIT_UNKNOWN)
		parts->unit = part->unit;
	sha256_end(part, digest);
	sha256_add(&parts->digests, digest, sizeof(digest));
}

static void take_many(struct sha256_parts *parts)
{
	struct sha256 all[SHA256_LANES];

	for (size_t i = 0; i < SHA256_LANES; i++)
		begin_part(parts, &all[i]);
	sha256_add_many(all, parts->buffer, SHA256_PART);
	for (size_t i = 0; i < SHA256_LANES; i++)
		end_part(parts, &all[i]);
}

static void take_two(struct sha256_parts *parts, const unsigned char *place)
{
	const void *const data[2] = {place, place + SHA256_PART};
	struct sha256 first, second;

	begin_part(parts, &first);
	begin_part(parts, &second);
	sha256_add_two(&first, &second, data, SHA256_PART);
	end_part(parts, &first);
	end_part(parts, &second);
}

static void take_one(struct sha256_parts *parts, const unsigned char *place, size_t size)
{
	struct sha256 part;

	begin_part(parts, &part);
	sha256_add(&part, place, size);
	end_part(parts, &part);
}

static bool can_take_many(struct sha256_parts *parts)
{
	if (parts->used < sizeof(parts->buffer))
		return false;
	if (parts->wide == SHA256_UNIT_UNKNOWN)
		parts->wide = sha256_can_add_many() ? SHA256_UNIT_THERE : SHA256_UNIT_MISSING;
	return parts->wide == SHA256_UNIT_THERE;
}

/* All that is in the buffer, the end of which may be the last part. */
static void take_all(struct sha256_parts *parts)
{
	const unsigned char *place = parts->buffer, *end = parts->buffer + parts->used;

	if (can_take_many(parts)) {
		take_many(parts);
		place = end;
	}
	for (; end - place >= 2 * SHA256_PART; place += 2 * SHA256_PART)
		take_two(parts, place);
	for (; end - place >= SHA256_PART; place += SHA256_PART)
		take_one(parts, place, SHA256_PART);
	if (end > place)
		take_one(parts, place, (size_t)(end - place));
	parts->used = 0;
}

void sha256_parts_took(struct sha256_parts *parts, size_t count)
{
	parts->used += count;
	parts->size += count;
	if (parts->used == sizeof(parts->buffer))
		take_all(parts);
}

void sha256_parts_end(struct sha256_parts *parts, unsigned char ret[static SHA256_SIZE])
{
	take_all(parts);
	sha256_end(&parts->digests, ret);
}
