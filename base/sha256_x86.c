/* SHA-256 with the processor's own instructions ("SHA extensions", x86), as fast as memory is read. */
#include "base/sha256_x86.h"

#ifdef __x86_64__

#include <cpuid.h>
#include <immintrin.h>

bool sha256_x86_is_there(void)
{
	enum { LEAF_FEATURES = 1, LEAF_EXTENDED = 7 };
	unsigned int a = 0, b = 0, c = 0, d = 0;

	if (!__get_cpuid(LEAF_FEATURES, &a, &b, &c, &d) || !(c & bit_SSE4_1) || !(c & bit_SSSE3))
		return false;
	return __get_cpuid_count(LEAF_EXTENDED, 0, &a, &b, &c, &d) && (b & bit_SHA);
}

#define TARGET __attribute__((target("sha,sse4.1,ssse3")))

/* A digest that is being made, as the instructions want its eight words: first word highest. */
struct lane {
	__m128i abef;
	__m128i cdgh;
	const unsigned char *blocks;
};

TARGET static inline struct lane lane_load(const uint32_t state[static 8],
                                           const unsigned char *blocks)
{
	const __m128i *place = (const __m128i *)(const void *)state;
	__m128i badc = _mm_shuffle_epi32(_mm_loadu_si128(&place[0]), 0xb1);
	__m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128(&place[1]), 0x1b);

	return (struct lane){
		.abef = _mm_alignr_epi8(badc, efgh, 8),
		.cdgh = _mm_blend_epi16(efgh, badc, 0xf0),
		.blocks = blocks,
	};
}

TARGET static inline void lane_store(const struct lane *lane, uint32_t state[static 8])
{
	__m128i *place = (__m128i *)(void *)state;
	__m128i feba = _mm_shuffle_epi32(lane->abef, 0x1b);
	__m128i dchg = _mm_shuffle_epi32(lane->cdgh, 0xb1);

	_mm_storeu_si128(&place[0], _mm_blend_epi16(feba, dchg, 0xf0));
	_mm_storeu_si128(&place[1], _mm_alignr_epi8(dchg, feba, 8));
}

/* Four of the 64 rounds of a block: `i` is the sixteenth of them, `w` its last sixteen words. */
TARGET static inline void lane_round(struct lane *lane, __m128i w[static 4], unsigned int i,
                                     __m128i constants)
{
	const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	const __m128i *block = (const __m128i *)(const void *)lane->blocks;
	__m128i *now = &w[i % 4];
	__m128i sum;

	if (i < 4) {
		*now = _mm_shuffle_epi8(_mm_loadu_si128(&block[i]), swap);
	} else {
		__m128i before = w[(i + 3) % 4];

		sum = _mm_sha256msg1_epu32(*now, w[(i + 1) % 4]);
		sum = _mm_add_epi32(sum, _mm_alignr_epi8(before, w[(i + 2) % 4], 4));
		*now = _mm_sha256msg2_epu32(sum, before);
	}
	sum = _mm_add_epi32(*now, constants);
	lane->cdgh = _mm_sha256rnds2_epu32(lane->cdgh, lane->abef, sum);
	lane->abef = _mm_sha256rnds2_epu32(lane->abef, lane->cdgh, _mm_shuffle_epi32(sum, 0x0e));
}

TARGET static inline void lane_end_block(struct lane *lane, const struct lane *before)
{
	lane->abef = _mm_add_epi32(lane->abef, before->abef);
	lane->cdgh = _mm_add_epi32(lane->cdgh, before->cdgh);
	lane->blocks += 64;
}

TARGET void sha256_x86_compress(uint32_t state[static 8], const unsigned char *blocks, size_t count,
                                const uint32_t constants[static 64])
{
	const __m128i *k = (const __m128i *)(const void *)constants;
	struct lane a = lane_load(state, blocks);

	for (; count > 0; count--) {
		const struct lane before = a;
		__m128i w[4];

#pragma GCC unroll 16
		for (unsigned int i = 0; i < 16; i++)
			lane_round(&a, w, i, _mm_loadu_si128(&k[i]));
		lane_end_block(&a, &before);
	}
	lane_store(&a, state);
}

/* Each instruction waits for the one before it: those of another digest fit in between. */
TARGET void sha256_x86_compress_two(uint32_t first[static 8], uint32_t second[static 8],
                                    const unsigned char *const blocks[static 2], size_t count,
                                    const uint32_t constants[static 64])
{
	const __m128i *k = (const __m128i *)(const void *)constants;
	struct lane a = lane_load(first, blocks[0]);
	struct lane b = lane_load(second, blocks[1]);

	for (; count > 0; count--) {
		const struct lane a_before = a, b_before = b;
		__m128i w[4], v[4];

#pragma GCC unroll 16
		for (unsigned int i = 0; i < 16; i++) {
			lane_round(&a, w, i, _mm_loadu_si128(&k[i]));
			lane_round(&b, v, i, _mm_loadu_si128(&k[i]));
		}
		lane_end_block(&a, &a_before);
		lane_end_block(&b, &b_before);
	}
	lane_store(&a, first);
	lane_store(&b, second);
}

#else

bool sha256_x86_is_there(void)
{
	return false;
}

void sha256_x86_compress(uint32_t state[static 8] unused_parameter,
                         const unsigned char *blocks unused_parameter,
                         size_t count unused_parameter,
                         const uint32_t constants[static 64] unused_parameter)
{
}

void sha256_x86_compress_two(uint32_t first[static 8] unused_parameter,
                             uint32_t second[static 8] unused_parameter,
                             const unsigned char *const blocks[static 2] unused_parameter,
                             size_t count unused_parameter,
                             const uint32_t constants[static 64] unused_parameter)
{
}

#endif
