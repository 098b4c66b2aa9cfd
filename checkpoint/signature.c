#include "checkpoint/signature.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hmac.h"
#include "base/str.h"

enum { KEY_MIN = 16, KEY_MAX = 64 * 1024 };

int facts_read_key(const char *path, struct facts *facts, struct error *err)
{
	scoped_str data = NULL;
	size_t size = 0;

	if (!path)
		return 0;

	int r = file_read(AT_FDCWD, path, KEY_MAX, &data, &size, err);

	if (r < 0)
		return error_wrap(err, "key");
	if (size < KEY_MIN)
		return error_set(err, EINVAL, "key %s: %d bytes at least", path, KEY_MIN);
	facts->key = arena_strndup(&facts->arena, data, size);
	facts->key_size = size;
	return facts->key ? 0 : error_code(err, ENOMEM, "key");
}

static void sign(const struct facts *facts, const char *text, size_t size,
                 char hex[static SHA256_HEX_SIZE])
{
	unsigned char digest[SHA256_SIZE];

	hmac_sha256(facts->key, facts->key_size, text, size, digest);
	(void)sha256_hex(digest, hex);
}

int signature_write(const struct facts *facts, int directory, const char *text, size_t size,
                    struct error *err)
{
	char hex[SHA256_HEX_SIZE];

	if (!facts->key) {
		(void)unlinkat(directory, SIGNATURE_NAME, 0);
		return 0;
	}
	sign(facts, text, size, hex);
	return file_write_atomic(directory, SIGNATURE_NAME, 0600, hex, strlen(hex), err);
}

int signature_check(const struct facts *facts, int directory, const char *text, size_t size,
                    struct error *err)
{
	enum { LIMIT = 1024 };
	scoped_str found = NULL;
	unsigned char a[SHA256_SIZE], b[SHA256_SIZE];
	char hex[SHA256_HEX_SIZE];
	size_t found_size = 0;

	if (!facts->key)
		return 0;

	int r = file_read(directory, SIGNATURE_NAME, LIMIT, &found, &found_size, err);

	if (r == -ENOENT)
		return error_set(err, EILSEQ, "the image is not signed, but a key is given");
	if (r < 0)
		return r;
	sign(facts, text, size, hex);
	/* Both are made equally long, so that how far they agree takes no time. */
	hmac_sha256(facts->key, facts->key_size, hex, strlen(hex), a);
	hmac_sha256(facts->key, facts->key_size, found, found_size, b);
	return hmac_equal(a, b) ? 0
	                        : error_set(err, EILSEQ,
	                                    "the image was changed, or signed with another key");
}
