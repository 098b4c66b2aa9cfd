#include "base/sha256_parts.h"

void sha256_parts_begin(struct sha256_parts *parts)
{
	sha256_begin(&parts->digests);
	parts->unit = SHA256_UNIT_UNKNOWN;
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

static void take_two(struct sha256_parts *parts)
{
	const void *const data[2] = {parts->buffer, parts->buffer + SHA256_PART};
	struct sha256 first, second;

	begin_part(parts, &first);
	begin_part(parts, &second);
	sha256_add_two(&first, &second, data, SHA256_PART);
	end_part(parts, &first);
	end_part(parts, &second);
	parts->used = 0;
}

void sha256_parts_took(struct sha256_parts *parts, size_t count)
{
	parts->used += count;
	parts->size += count;
	if (parts->used == sizeof(parts->buffer))
		take_two(parts);
}

void sha256_parts_end(struct sha256_parts *parts, unsigned char ret[static SHA256_SIZE])
{
	for (size_t at = 0; at < parts->used; at += SHA256_PART) {
		size_t rest = parts->used - at;
		struct sha256 part;

		begin_part(parts, &part);
		sha256_add(&part, parts->buffer + at, rest < SHA256_PART ? rest : SHA256_PART);
		end_part(parts, &part);
	}
	sha256_end(&parts->digests, ret);
}
