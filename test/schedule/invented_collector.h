/*
 * What a second collector is: an invented API that answers at once. GET /sessions/INS_ID gives one number, the
 * sessions of the whole instance; a result costs one call, and no step leaves a continuation.
 */
#ifndef TEST_SCHEDULE_INVENTED_COLLECTOR_H
#define TEST_SCHEDULE_INVENTED_COLLECTOR_H

#include "collectors/collector.h"

extern const struct collector invented_collector;

#endif
