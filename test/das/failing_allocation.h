/*
 * Fails one allocation of the code under test, whichever thread makes it: for sweeps over all of them.
 * Linking with it replaces the allocator of everything that is linked statically; a shared library needs
 * to be given malloc() and the others.
 */
#ifndef TEST_DAS_FAILING_ALLOCATION_H
#define TEST_DAS_FAILING_ALLOCATION_H

#include <stdbool.h>

/* The next `after` allocations succeed, the one after them fails, all others succeed. */
void fail_allocation(int after);

/* Ends it. True when fewer allocations were made, so that none failed: the sweep is over. */
bool all_allocations_done(void);

#endif
