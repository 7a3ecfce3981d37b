#ifndef UDPRELAY_ADDRESS_H
#define UDPRELAY_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/// An IPv4 or IPv6 address with a port, as the socket calls want it.
struct address {
  struct sockaddr_storage storage;
  socklen_t length;
};

/// The longest text of an address: "[" IPv6 with a zone "]:65535".
#define ADDRESS_TEXT 96

/// Reads `HOST:PORT` or `[HOST]:PORT`, with numeric hosts only. Returns whether it could be read.
bool address_parse(const char *text, struct address *result);

/// Writes the address as `HOST:PORT` or `[HOST]:PORT` into `text`, which has room for `ADDRESS_TEXT` bytes.
void address_print(const struct address *address, char *text);

/// The port in host order; 0 if none is known.
unsigned address_port(const struct address *address);

/// Whether host and port are the same; an IPv6 address's flow label does not count.
bool address_equal(const struct address *one, const struct address *other);

/// Binds a non-blocking UDP socket with large buffers to a free port of the loopback address of `family`, and tells
/// where. Returns its descriptor, or -1 with `errno`.
int address_bind_loopback(int family, struct address *bound);

#endif
