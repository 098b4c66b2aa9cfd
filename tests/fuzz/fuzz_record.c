/* The record in the state root: what is accepted comes out of another encoding unchanged. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "spec/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct record *record)
{
	if (!record->id || record->id[0] == '\0' || record->pid <= 0 || record->start_time == 0)
		abort();
	if (!record->bundle || !record->rootfs || !record->boot_id || !record->oci_version)
		abort();
}

/* Encodes, decodes and encodes again: both texts are the same. */
static void round_trip(const struct record *record)
{
	scoped_arena arena = {0};
	struct error err = {0};
	struct record back;
	char *once = record_encode(record), *twice;

	if (!once || record_decode(&arena, once, strlen(once), &back, &err) < 0)
		abort();
	twice = record_encode(&back);
	if (!twice || strcmp(once, twice) != 0)
		abort();
	free(once);
	free(twice);
}

static void encode_states(const struct record *record)
{
	const struct state_view view = {.status = "running", .pid = record->pid, .record = record};

	free(state_encode(&view));
	free(state_encode_hook(&view));
	free(state_encode_list(&view, 1));
	free(state_encode_seccomp(&view, record->id));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped_arena arena = {0};
	struct record record = {0};
	struct error err = {0};
	int r = record_decode(&arena, (const char *)data, size, &record, &err);

	if (r != -err.code || (r < 0 && record.id))
		abort();
	if (r < 0)
		return 0;
	check(&record);
	round_trip(&record);
	encode_states(&record);
	return 0;
}
