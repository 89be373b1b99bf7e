/* Items of a comma-separated list. Pure. */
#ifndef DB_COMMA_LIST_H
#define DB_COMMA_LIST_H

/* Takes the next item, trimmed, off *rest in place (as strsep does). NULL when none is left. */
char *comma_list_next(char **rest);

#endif
