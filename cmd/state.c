#include <errno.h>

#include "base/str.h"
#include "cmd/output.h"
#include "cmd/verbs.h"

int state_main(const struct call *call, struct error *err)
{
	scoped_store store = NULL;
	scoped_container_info info = NULL;
	int r = call_open_store(call, &store, err);

	if (r >= 0)
		r = container_info(store, call->words[0], &info, err);
	if (r < 0)
		return r;

	scoped_str text = state_encode(&info->view);

	if (!text)
		return error_code(err, ENOMEM, "state");
	return output_text(text, err);
}
