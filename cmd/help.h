/* Texts for people, all made from the table of verbs. */
#ifndef LVM_RUN_CMD_HELP_H
#define LVM_RUN_CMD_HELP_H

#include "base/error.h"
#include "base/str.h"
#include "cmd/verbs.h"

/* Each appends the whole text. */
void help_overview(struct strbuf *text);
void help_verb(struct strbuf *text, const struct verb *verb);
void manual_page(struct strbuf *text);
void completion_bash(struct strbuf *text);

/* Printed to standard output: exit status 0, or −errno. */
int help_print_overview(struct error *err) must_check;
int help_print_verb(const struct verb *verb, struct error *err) must_check;

#endif
