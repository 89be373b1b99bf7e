/* What all fuzz targets share: their entry, and its bytes in the forms that the parsers take. */
#ifndef TEST_FUZZ_INPUT_H
#define TEST_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes up to the first NUL as a string of exactly that size, which the caller frees. */
char *input_text(const uint8_t *data, size_t size);

#define INPUT_PATH_SIZE 64

/* A file in memory with these bytes that nobody else may read. It is there until the caller closes the result. */
int input_file(const uint8_t *data, size_t size, char path[INPUT_PATH_SIZE]);

#endif
