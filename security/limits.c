#include "security/limits.h"

#include <errno.h>
#include <sched.h>

#ifndef SCHED_DEADLINE
#define SCHED_DEADLINE 6
#endif

static int check_scheduler(const struct spec_scheduler *s, struct error *err)
{
	const bool real_time = s->policy == SCHED_FIFO || s->policy == SCHED_RR;

	if (!s->set)
		return 0;
	if (real_time && (s->priority < 1 || s->priority > 99))
		return error_set(err, EINVAL,
		                 "process.scheduler.priority: %d is not within 1 to 99, which "
		                 "SCHED_FIFO and "
		                 "SCHED_RR need",
		                 s->priority);
	if (!real_time && s->priority != 0)
		return error_set(
			err, EINVAL,
			"process.scheduler.priority: only SCHED_FIFO and SCHED_RR have one");
	if (s->nice < -20 || s->nice > 19)
		return error_set(err, EINVAL, "process.scheduler.nice: %d is not within -20 to 19",
		                 s->nice);
	if (s->policy != SCHED_DEADLINE && (s->runtime || s->deadline || s->period))
		return error_set(
			err, EINVAL,
			"process.scheduler: runtime, deadline and period are for SCHED_DEADLINE");
	if (s->policy == SCHED_DEADLINE &&
	    (s->runtime == 0 || s->runtime > s->deadline || (s->period && s->deadline > s->period)))
		return error_set(err, EINVAL,
		                 "process.scheduler: SCHED_DEADLINE needs 0 < runtime <= deadline "
		                 "<= period");
	return 0;
}

int limits_prepare(const struct spec_process *process, struct error *err)
{
	for (size_t i = 0; i < process->rlimit_count; i++) {
		const struct spec_rlimit *limit = &process->rlimits[i];

		if (limit->soft > limit->hard)
			return error_set(
				err, EINVAL,
				"process.rlimits[%zu]: soft limit %llu is above hard limit %llu", i,
				(unsigned long long)limit->soft, (unsigned long long)limit->hard);
	}
	return check_scheduler(&process->scheduler, err);
}
