/* What is said of a row that is left out, or of which something was not understood. Private to the rows. */
#ifndef DB_ROW_REMARKS_H
#define DB_ROW_REMARKS_H

#include "db/inventory.h"
#include "db/remarks.h"
#include "db/row_value.h"

#define ROW_NAME_SIZE 200 /* for "instance 'rm-test1' (row 17)" */

/* Names a row by what it is about and its id, as the table has it. */
void row_name_format(char name[ROW_NAME_SIZE], struct row_value id, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The value of a column is not what was expected. */
void remark_value(struct remarks *remarks, const char *row_name, const char *column, struct row_value value,
                  const char *expected);

/* The text holds an invisible character. */
void remark_invisible(struct remarks *remarks, const char *row_name, const char *column, const char *text);

/* The row has no updatetime that is understood. */
void remark_undated(struct remarks *remarks, const char *row_name, struct row_value updated);

/* Not one of the rows is left; `what` they are, such as "instances", and why they were rejected. */
void remark_none_left(struct remarks *remarks, const char *what, uint64_t row_count,
                      const uint64_t rejected[REJECTION_COUNT]);

#endif
