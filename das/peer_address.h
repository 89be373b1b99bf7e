/*
 * The address in a key of ClientStats, which DAS writes with or without the client's port. Pure.
 */
#ifndef DAS_PEER_ADDRESS_H
#define DAS_PEER_ADDRESS_H

/*
 * Cuts port and brackets off in place and returns where the address begins in `peer`: 192.0.2.1 of
 * 192.0.2.1:3306, 2001:db8::1 of [2001:db8::1]:3306. An IPv6 address without brackets loses a last
 * group that can only be a port: five digits, one behind eight groups, or one behind an IPv4 part.
 * Whatever is no such thing stays as it is.
 */
char *peer_address(char *peer);

#endif
