/*
 * What CRIU calls of libnftables, looked up when the first of it is called: loading the library and
 * the seven that it needs takes longer than the start of the rest of CRIU, and only a network lock
 * and a network namespace that CRIU saves want it.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>

struct nft_ctx;

static void *find(const char *name)
{
	static void *library;

	if (!library)
		library = dlopen("libnftables.so.1", RTLD_NOW);
	return library ? dlsym(library, name) : NULL;
}

/* A function of the library by its name, type, parameters, arguments; `absent` is its value without the library. */
#define LATER(type, name, parameters, arguments, absent)                                           \
	type name parameters                                                                       \
	{                                                                                          \
		type(*function) parameters = (type(*) parameters)find(#name);                      \
                                                                                                   \
		return function ? function arguments : absent;                                     \
	}

LATER(struct nft_ctx *, nft_ctx_new, (uint32_t flags), (flags), NULL)
LATER(int, nft_ctx_buffer_output, (struct nft_ctx * ctx), (ctx), -1)
LATER(int, nft_ctx_buffer_error, (struct nft_ctx * ctx), (ctx), -1)
LATER(const char *, nft_ctx_get_output_buffer, (struct nft_ctx * ctx), (ctx), "")
LATER(const char *, nft_ctx_get_error_buffer, (struct nft_ctx * ctx), (ctx), "")
LATER(FILE *, nft_ctx_set_output, (struct nft_ctx * ctx, FILE *file), (ctx, file), NULL)
LATER(FILE *, nft_ctx_set_error, (struct nft_ctx * ctx, FILE *file), (ctx, file), NULL)
LATER(int, nft_run_cmd_from_buffer, (struct nft_ctx * ctx, const char *text), (ctx, text), -1)

void nft_ctx_free(struct nft_ctx *ctx)
{
	void (*function)(struct nft_ctx *) = (void (*)(struct nft_ctx *))find("nft_ctx_free");

	if (function)
		function(ctx);
}
