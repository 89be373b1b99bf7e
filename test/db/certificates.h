/* Throw-away certificates, made when a test runs: none can expire in the repository. */
#ifndef TEST_DB_CERTIFICATES_H
#define TEST_DB_CERTIFICATES_H

/*
 * Writes into the folder: ca.pem, a certificate authority; server.pem and server.key, signed by it
 * for `address` (an IP address); client.pem and client.key, signed by it; other-ca.pem, an authority that signed nothing. Aborts when it fails.
 */
void certificates_write(const char *folder, const char *address);

#endif
