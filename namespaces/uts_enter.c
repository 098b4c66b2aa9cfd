#include "namespaces/uts.h"

#include <string.h>
#include <unistd.h>

int uts_enter(const char *hostname, const char *domainname, struct error *err)
{
	if (hostname && sethostname(hostname, strlen(hostname)) < 0)
		return error_errno(err, "set the host name to \"%s\"", hostname);
	if (domainname && setdomainname(domainname, strlen(domainname)) < 0)
		return error_errno(err, "set the domain name to \"%s\"", domainname);
	return 0;
}
