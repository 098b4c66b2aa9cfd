#include "helper/systemd_bus.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-bus.h>

#include "base/str.h"

static const char manager_name[] = "org.freedesktop.systemd1";
static const char manager_path[] = "/org/freedesktop/systemd1";
static const char manager_interface[] = "org.freedesktop.systemd1.Manager";

enum { DEFAULT_TIMEOUT_MS = 5000 };

/* One connection and what is waited for on it. */
struct session {
	sd_bus *bus;
	uint64_t end_us; /* of the time there is, on the monotonic clock */
	sd_bus_error error;
	const char *doing; /* for the answer */
	int version;       /* of systemd, once it was asked; 0 */
	bool direct;       /* to systemd itself, without a bus between */
	char *job;
	char *result; /* of the job, once it is done */
};

static void session_done(struct session *session)
{
	sd_bus_error_free(&session->error);
	free(session->job);
	free(session->result);
	session->bus = sd_bus_close_unref(session->bus);
}

static uint64_t now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t left_us(const struct session *session)
{
	uint64_t now = now_us();

	return now < session->end_us ? session->end_us - now : 1;
}

/* Tells what went wrong; a stalled bus or systemd is named as such. */
static int fail(struct session *session, int r)
{
	int code =
		sd_bus_error_is_set(&session->error) ? sd_bus_error_get_errno(&session->error) : -r;

	if (code == ETIMEDOUT || sd_bus_error_has_name(&session->error, SD_BUS_ERROR_NO_REPLY))
		answer_error(ETIMEDOUT,
		             "%s: no answer in time; systemd or the D-Bus daemon is stalled",
		             session->doing);
	else if (session->error.message)
		answer_error(code, "%s: %s", session->doing, session->error.message);
	else
		answer_error(code, "%s: %s", session->doing, strerror(code));
	return EXIT_FAILURE;
}

/* --- The connection --- */

/* The own socket of the system's or the user's systemd: no D-Bus daemon is needed. */
static int open_direct(struct session *session, const char *dir)
{
	scoped_str address = str_format("unix:path=%s/systemd/private", dir);
	int r = address ? sd_bus_new(&session->bus) : -ENOMEM;

	if (r >= 0)
		r = sd_bus_set_address(session->bus, address);
	if (r >= 0)
		r = sd_bus_start(session->bus);
	if (r < 0)
		session->bus = sd_bus_unref(session->bus);
	session->direct = r >= 0;
	return r;
}

static int open_bus(struct session *session, const struct request *request)
{
	const char *bus = request_get(request, "bus");
	bool user = bus && strcmp(bus, "user") == 0;
	const char *dir = user ? getenv("XDG_RUNTIME_DIR") : "/run";
	int r = -ENOENT;

	session->doing = user ? "connect to the user's systemd" : "connect to systemd";
	/* A path with other characters would have to be escaped in an address. */
	if (dir && *dir == '/' && !strpbrk(dir, ",;=%*") && (user || geteuid() == 0))
		r = open_direct(session, dir);
	if (r < 0)
		r = user ? sd_bus_open_user(&session->bus) : sd_bus_open_system(&session->bus);
	if (r < 0)
		return r;
	return sd_bus_set_method_call_timeout(session->bus, left_us(session));
}

/* Takes the next message, or waits until there is one: 0, −ETIMEDOUT when the time is over. */
static int take_message(struct session *session)
{
	int r = sd_bus_process(session->bus, NULL);

	if (r == 0 && now_us() >= session->end_us)
		return -ETIMEDOUT;
	if (r == 0)
		r = sd_bus_wait(session->bus, left_us(session));
	return r < 0 && r != -EINTR ? r : 0;
}

/*
 * Until the other side has let us in. A call would wait for that too, but for as long as the library finds
 * right, which is longer than there is time.
 */
static int wait_until_ready(struct session *session)
{
	int ready = sd_bus_is_ready(session->bus);

	while (ready == 0) {
		int r = take_message(session);

		if (r < 0)
			return r;
		ready = sd_bus_is_ready(session->bus);
	}
	return ready < 0 ? ready : 0;
}

static int start_session(struct session *session, const struct request *request)
{
	const char *text = request_get(request, "timeout");
	int timeout_ms = DEFAULT_TIMEOUT_MS;

	if (text && parse_int(text, 1, 3600000, &timeout_ms) < 0)
		return -EINVAL;
	session->end_us = now_us() + (uint64_t)timeout_ms * 1000;

	int r = open_bus(session, request);

	return r < 0 ? r : wait_until_ready(session);
}

/* --- Jobs --- */

/* JobRemoved(u id, o job, s unit, s result) */
static int job_removed(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	struct session *session = userdata;
	const char *job = NULL;
	const char *unit = NULL;
	const char *result = NULL;
	uint32_t id = 0;

	(void)error;
	if (sd_bus_message_read(message, "uoss", &id, &job, &unit, &result) >= 0 && session->job &&
	    !session->result && strcmp(job, session->job) == 0)
		session->result = strdup(result);
	return 0;
}

static int subscribe(struct session *session)
{
	int r = sd_bus_match_signal(session->bus, NULL, session->direct ? NULL : manager_name,
	                            manager_path, manager_interface, "JobRemoved", job_removed,
	                            session);

	session->doing = "subscribe to systemd";
	if (r < 0 || session->direct)
		return r;
	return sd_bus_call_method(session->bus, manager_name, manager_path, manager_interface,
	                          "Subscribe", &session->error, NULL, "");
}

static int wait_for_job(struct session *session)
{
	session->doing = "wait for systemd's job";
	while (!session->result) {
		int r = take_message(session);

		if (r < 0)
			return r;
	}
	if (strcmp(session->result, "done") == 0)
		return 0;
	return sd_bus_error_setf(&session->error, SD_BUS_ERROR_FAILED, "the job ended with \"%s\"",
	                         session->result);
}

static int take_job(struct session *session, sd_bus_message *reply)
{
	const char *job = NULL;
	int r = sd_bus_message_read(reply, "o", &job);

	if (r < 0)
		return r;
	session->job = strdup(job);
	return session->job ? wait_for_job(session) : -ENOMEM;
}

/* --- Properties --- */

static int append_number(sd_bus_message *to, char type, const char *text)
{
	uint64_t positive = 0;
	int64_t number = 0;

	if (type == 't') {
		int r = parse_u64(text, &positive);

		return r < 0 ? r : sd_bus_message_append_basic(to, type, &positive);
	}

	int r = parse_i64(text, &number);

	if (r < 0)
		return r;
	switch (type) {
	case 'y':
		return sd_bus_message_append(to, "y", (uint8_t)number);
	case 'n':
		return sd_bus_message_append(to, "n", (int16_t)number);
	case 'q':
		return sd_bus_message_append(to, "q", (uint16_t)number);
	case 'i':
		return sd_bus_message_append(to, "i", (int32_t)number);
	case 'u':
		return sd_bus_message_append(to, "u", (uint32_t)number);
	case 'x':
		return sd_bus_message_append(to, "x", number);
	default:
		return -EINVAL;
	}
}

static int append_value(sd_bus_message *to, char type, const char *text)
{
	if (type == 's')
		return sd_bus_message_append_basic(to, 's', text);
	if (type == 'b')
		return sd_bus_message_append(to, "b", strcmp(text, "true") == 0);
	if (type == 'd') {
		char *end = NULL;
		double number = strtod(text, &end);

		return *end ? -EINVAL : sd_bus_message_append_basic(to, 'd', &number);
	}
	return append_number(to, type, text);
}

/* "/dev/block/8:0 1000" as the struct (st). */
static int append_pair(sd_bus_message *to, const char *text)
{
	const char *blank = strrchr(text, ' ');
	scoped_str path = blank ? str_format("%.*s", (int)(blank - text), text) : NULL;
	uint64_t number = 0;
	int r = path ? parse_u64(blank + 1, &number) : -EINVAL;

	return r < 0 ? r : sd_bus_message_append(to, "(st)", path, number);
}

/* The values that follow line `at`, which names the property; *at then is the last of them. */
static int append_values(sd_bus_message *to, const struct request *request, size_t *at,
                         const char *type)
{
	bool pairs = strcmp(type, "(st)") == 0;
	int r = 0;

	if (type[0] == '(' && !pairs)
		return -EINVAL;
	while (r >= 0 && *at + 1 < request->count &&
	       strcmp(request->lines[*at + 1].key, "value") == 0) {
		const char *value = request->lines[++*at].value;

		r = pairs ? append_pair(to, value) : append_value(to, type[0], value);
	}
	return r;
}

static int append_property(sd_bus_message *to, const struct request *request, size_t *at)
{
	const char *line = request->lines[*at].value;
	const char *type = strchr(line, ' ');
	char name[128];
	size_t first = *at;
	int r;

	if (!type || !type[1] || (size_t)(type - line) >= sizeof(name))
		return -EINVAL;
	(void)snprintf(name, sizeof(name), "%.*s", (int)(type - line), line);
	type++;

	bool array = *type == 'a';

	r = sd_bus_message_open_container(to, 'r', "sv");
	if (r >= 0)
		r = sd_bus_message_append_basic(to, 's', name);
	if (r >= 0)
		r = sd_bus_message_open_container(to, 'v', type);
	if (r >= 0 && array)
		r = sd_bus_message_open_container(to, 'a', type + 1);
	if (r >= 0)
		r = append_values(to, request, at, array ? type + 1 : type);
	if (r >= 0 && !array && *at != first + 1)
		r = -EINVAL;
	if (r >= 0 && array)
		r = sd_bus_message_close_container(to);
	if (r >= 0)
		r = sd_bus_message_close_container(to);
	return r < 0 ? r : sd_bus_message_close_container(to);
}

/* "257.8-1" is 257. */
static int read_version(struct session *session, int *ret)
{
	scoped_str text = NULL;
	int r = sd_bus_get_property_string(session->bus, manager_name, manager_path,
	                                   manager_interface, "Version", &session->error, &text);

	if (r < 0)
		return r;
	text[strspn(text, "0123456789")] = '\0';
	return parse_int(text, 1, INT_MAX, ret);
}

/* Whether this systemd is older than what knows the property after line `at`: it would refuse them all. */
static int is_too_old(struct session *session, const struct request *request, size_t at)
{
	int since = 0;
	int r = parse_int(request->lines[at].value, 1, INT_MAX, &since);

	if (r == 0 && session->version == 0)
		r = read_version(session, &session->version);
	return r < 0 ? r : session->version < since;
}

static int append_properties(struct session *session, sd_bus_message *to,
                             const struct request *request)
{
	int r = sd_bus_message_open_container(to, 'a', "(sv)");
	bool skip = false;

	for (size_t i = 0; r >= 0 && i < request->count; i++) {
		const char *key = request->lines[i].key;

		if (strcmp(key, "since") == 0) {
			r = is_too_old(session, request, i);
			skip = r > 0;
		} else if (strcmp(key, "property") == 0) {
			r = skip ? 0 : append_property(to, request, &i);
			skip = false;
		}
	}
	return r < 0 ? r : sd_bus_message_close_container(to);
}

/* --- Services --- */

/* So that the name is free again; there is nothing to reset mostly. */
static void reset_failed(struct session *session, const char *unit)
{
	sd_bus_error ignored = SD_BUS_ERROR_NULL;

	(void)sd_bus_call_method(session->bus, manager_name, manager_path, manager_interface,
	                         "ResetFailedUnit", &ignored, NULL, "s", unit);
	sd_bus_error_free(&ignored);
}

static int write_start(struct session *session, const struct request *request, const char *unit,
                       sd_bus_message **ret)
{
	int r = sd_bus_message_new_method_call(session->bus, ret, manager_name, manager_path,
	                                       manager_interface, "StartTransientUnit");

	session->doing = "write the properties of the unit";
	if (r >= 0)
		r = sd_bus_message_append(*ret, "ss", unit, "fail");
	if (r >= 0)
		r = append_properties(session, *ret, request);
	/* No auxiliary units. */
	return r < 0 ? r : sd_bus_message_append(*ret, "a(sa(sv))", 0);
}

static int call_start(struct session *session, const struct request *request, const char *unit)
{
	sd_bus_message *call = NULL;
	sd_bus_message *reply = NULL;
	int r = write_start(session, request, unit, &call);

	if (r >= 0) {
		session->doing = "start the unit";
		r = sd_bus_call(session->bus, call, left_us(session), &session->error, &reply);
	}
	if (r >= 0)
		r = take_job(session, reply);
	sd_bus_message_unref(reply);
	sd_bus_message_unref(call);
	return r;
}

static int start(struct session *session, const struct request *request, const char *unit)
{
	int r = subscribe(session);

	if (r >= 0)
		r = call_start(session, request, unit);
	/* One that failed before may still bear the name. */
	if (sd_bus_error_has_name(&session->error, "org.freedesktop.systemd1.UnitExists")) {
		sd_bus_error_free(&session->error);
		reset_failed(session, unit);
		r = call_start(session, request, unit);
	}
	return r;
}

static int call_stop(struct session *session, const char *unit)
{
	sd_bus_message *reply = NULL;
	int r;

	session->doing = "stop the unit";
	r = sd_bus_call_method(session->bus, manager_name, manager_path, manager_interface,
	                       "StopUnit", &session->error, &reply, "ss", unit, "replace");
	if (r < 0 &&
	    sd_bus_error_has_name(&session->error, "org.freedesktop.systemd1.NoSuchUnit")) {
		sd_bus_error_free(&session->error);
		r = 0; /* ended by itself with its last process */
	} else if (r >= 0) {
		r = take_job(session, reply);
	}
	sd_bus_message_unref(reply);
	return r;
}

static int stop(struct session *session, const struct request *request, const char *unit)
{
	int r = subscribe(session);

	(void)request;
	if (r >= 0)
		r = call_stop(session, unit);
	if (r >= 0)
		reset_failed(session, unit);
	return r;
}

static int set(struct session *session, const struct request *request, const char *unit)
{
	sd_bus_message *call = NULL;
	int r = sd_bus_message_new_method_call(session->bus, &call, manager_name, manager_path,
	                                       manager_interface, "SetUnitProperties");

	session->doing = "change the properties of the unit";
	if (r >= 0) /* for as long as the unit lives, and not beyond */
		r = sd_bus_message_append(call, "sb", unit, 1);
	if (r >= 0)
		r = append_properties(session, call, request);
	if (r >= 0)
		r = sd_bus_call(session->bus, call, left_us(session), &session->error, NULL);
	sd_bus_message_unref(call);
	return r;
}

/* --- Answers --- */

static int serve(const struct request *request,
                 int (*step)(struct session *session, const struct request *request,
                             const char *unit))
{
	__attribute__((cleanup(session_done))) struct session session = {.error =
	                                                                         SD_BUS_ERROR_NULL};
	const char *unit = request_get(request, "unit");
	int r = unit ? start_session(&session, request) : -EINVAL;

	if (r >= 0)
		r = step(&session, request, unit);
	if (r < 0)
		return fail(&session, r);
	answer_ok();
	return EXIT_SUCCESS;
}

int systemd_start(const struct request *request)
{
	return serve(request, start);
}

int systemd_set(const struct request *request)
{
	return serve(request, set);
}

int systemd_stop(const struct request *request)
{
	return serve(request, stop);
}
