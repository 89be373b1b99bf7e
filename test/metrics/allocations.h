/*
 * Counts and fails the allocations of the code under test. Link with ALLOCATION_WRAPS of
 * CMakeLists.txt. Any thread may allocate; the settings are the test thread's.
 */
#ifndef TEST_METRICS_ALLOCATIONS_H
#define TEST_METRICS_ALLOCATIONS_H

/* The next `after` allocations succeed, all later ones fail; negative: none fails. */
void allocations_fail_after(long after);

/* Blocks allocated and not freed. */
long allocations_live(void);

#endif
