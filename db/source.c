#include "db/source.h"

#include <mysql.h>

unsigned source_read_rows(const struct config *config, unsigned scope, struct rows *rows, struct error *error)
{
    if (config->inventory.source == INVENTORY_SOURCE_FILE)
        return file_read_rows(config->inventory.file, scope, rows, error);
    return mysql_read_rows(&config->mysql, scope, MYSQL_LOAD_TIME_MAX, rows, error);
}

const char *inventory_source_name(enum inventory_source source)
{
    return source == INVENTORY_SOURCE_FILE ? "file" : "mysql";
}

bool source_global_init(struct error *error)
{
    if (mysql_library_init(0, NULL, NULL) == 0)
        return true;
    error_set(error, ERROR_SYSTEM, "the MySQL client library cannot be initialised");
    return false;
}

void source_global_release(void)
{
    mysql_library_end();
}

bool source_thread_init(struct error *error)
{
    if (mysql_thread_init() == 0)
        return true;
    error_set(error, ERROR_SYSTEM, "the MySQL client library cannot be initialised for a thread");
    return false;
}

void source_thread_release(void)
{
    mysql_thread_end();
}
