/* SHA-256 of sixteen texts at once (AVX-512): each register has the same word of all of them. */
#include "base/sha256_wide.h"

#ifdef __x86_64__

#include <cpuid.h>
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,xsave")))

/* Of XCR0: registers of 128, 256 and 512 bits and their masks are kept from one process to the next. */
TARGET static bool are_registers_kept(void)
{
	enum { STATES = 0xe6 };

	return (_xgetbv(0) & STATES) == STATES;
}

bool sha256_wide_is_there(void)
{
	enum { LEAF_FEATURES = 1, LEAF_EXTENDED = 7 };
	unsigned int a = 0, b = 0, c = 0, d = 0;

	if (!__get_cpuid(LEAF_FEATURES, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
		return false;
	if (!__get_cpuid_count(LEAF_EXTENDED, 0, &a, &b, &c, &d) || !(b & bit_AVX512F) ||
	    !(b & bit_AVX512BW))
		return false;
	return are_registers_kept();
}

/* The block of each text, transposed: w[i] is the i-th word of all of them. */
TARGET static inline void load_words(__m512i w[static 16], const unsigned char *blocks,
                                     size_t distance)
{
	const __m512i swap =
		_mm512_broadcast_i32x4(_mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203));
	__m512i t[16];

#pragma GCC unroll 16
	for (unsigned int i = 0; i < 16; i++)
		w[i] = _mm512_shuffle_epi8(_mm512_loadu_si512(blocks + i * distance), swap);
#pragma GCC unroll 8
	for (unsigned int i = 0; i < 16; i += 2) {
		t[i] = _mm512_unpacklo_epi32(w[i], w[i + 1]);
		t[i + 1] = _mm512_unpackhi_epi32(w[i], w[i + 1]);
	}
#pragma GCC unroll 4
	for (unsigned int i = 0; i < 16; i += 4) {
		w[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
		w[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
		w[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
		w[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
	}
	/* Now a quarter of w[4r + j] has, of the texts 4r … 4r + 3, the word 4 × quarter + j. */
#pragma GCC unroll 4
	for (unsigned int j = 0; j < 4; j++) {
		__m512i even_low = _mm512_shuffle_i32x4(w[j], w[4 + j], 0x88);
		__m512i even_high = _mm512_shuffle_i32x4(w[8 + j], w[12 + j], 0x88);
		__m512i odd_low = _mm512_shuffle_i32x4(w[j], w[4 + j], 0xdd);
		__m512i odd_high = _mm512_shuffle_i32x4(w[8 + j], w[12 + j], 0xdd);

		t[j] = _mm512_shuffle_i32x4(even_low, even_high, 0x88);
		t[8 + j] = _mm512_shuffle_i32x4(even_low, even_high, 0xdd);
		t[4 + j] = _mm512_shuffle_i32x4(odd_low, odd_high, 0x88);
		t[12 + j] = _mm512_shuffle_i32x4(odd_low, odd_high, 0xdd);
	}
#pragma GCC unroll 16
	for (unsigned int i = 0; i < 16; i++)
		w[i] = t[i];
}

/* Of three words bit by bit (the table of VPTERNLOGD). */
enum { TERNARY_XOR = 0x96, TERNARY_CHOOSE = 0xca, TERNARY_MAJORITY = 0xe8 };

TARGET static inline __m512i add(__m512i a, __m512i b)
{
	return _mm512_add_epi32(a, b);
}

#define XOR_OF_ROTATED(x, one, two, three)                                                         \
	_mm512_ternarylogic_epi32(_mm512_ror_epi32(x, one), _mm512_ror_epi32(x, two),              \
	                          _mm512_ror_epi32(x, three), TERNARY_XOR)
#define XOR_OF_SHIFTED(x, one, two, three)                                                         \
	_mm512_ternarylogic_epi32(_mm512_ror_epi32(x, one), _mm512_ror_epi32(x, two),              \
	                          _mm512_srli_epi32(x, three), TERNARY_XOR)

/* The word of round `i`, which takes the place of the one sixteen rounds before. */
TARGET static inline __m512i next_word(__m512i w[static 16], unsigned int i)
{
	__m512i sum = add(w[i % 16], w[(i + 9) % 16]);

	if (i < 16)
		return w[i];
	sum = add(sum, XOR_OF_SHIFTED(w[(i + 1) % 16], 7, 18, 3));
	w[i % 16] = add(sum, XOR_OF_SHIFTED(w[(i + 14) % 16], 17, 19, 10));
	return w[i % 16];
}

/* The words a … h of the standard (`k`: 0 … 7), which move on by one place with each round. */
TARGET static inline __m512i *word(__m512i s[static 8], unsigned int k, unsigned int i)
{
	return &s[(64 + k - i) % 8];
}

TARGET static inline void one_round(__m512i s[static 8], __m512i w[static 16], unsigned int i,
                                    uint32_t constant)
{
	const __m512i a = *word(s, 0, i), b = *word(s, 1, i), c = *word(s, 2, i);
	const __m512i e = *word(s, 4, i), f = *word(s, 5, i), g = *word(s, 6, i);
	__m512i *d = word(s, 3, i), *h = word(s, 7, i);
	__m512i sum = add(add(*h, _mm512_set1_epi32((int)constant)), next_word(w, i));

	sum = add(sum, _mm512_ternarylogic_epi32(e, f, g, TERNARY_CHOOSE));
	sum = add(sum, XOR_OF_ROTATED(e, 6, 11, 25));
	*d = add(*d, sum);
	sum = add(sum, _mm512_ternarylogic_epi32(a, b, c, TERNARY_MAJORITY));
	*h = add(sum, XOR_OF_ROTATED(a, 2, 13, 22));
}

TARGET void sha256_wide_compress(uint32_t states[static 8][SHA256_LANES],
                                 const unsigned char *texts, size_t count,
                                 const uint32_t constants[static 64])
{
	const size_t distance = 64 * count;
	__m512i s[8], before[8], w[16];

#pragma GCC unroll 8
	for (unsigned int i = 0; i < 8; i++)
		s[i] = _mm512_loadu_si512(states[i]);
	for (; count > 0; count--, texts += 64) {
#pragma GCC unroll 8
		for (unsigned int i = 0; i < 8; i++)
			before[i] = s[i];
		load_words(w, texts, distance);
#pragma GCC unroll 64
		for (unsigned int i = 0; i < 64; i++)
			one_round(s, w, i, constants[i]);
#pragma GCC unroll 8
		for (unsigned int i = 0; i < 8; i++)
			s[i] = add(s[i], before[i]);
	}
#pragma GCC unroll 8
	for (unsigned int i = 0; i < 8; i++)
		_mm512_storeu_si512(states[i], s[i]);
}

#else

bool sha256_wide_is_there(void)
{
	return false;
}

void sha256_wide_compress(uint32_t states[static 8][SHA256_LANES] unused_parameter,
                          const unsigned char *texts unused_parameter,
                          size_t count unused_parameter,
                          const uint32_t constants[static 64] unused_parameter)
{
}

#endif
