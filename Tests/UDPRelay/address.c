#ifdef __linux__
#define _GNU_SOURCE
#endif

#include "address.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/// What the kernel may hold of each socket, in bytes: 80 ms of 100 MB/s, for a relay that is not scheduled at once.
#define SOCKET_BUFFER (8 << 20)

bool address_parse(const char *text, struct address *result) {
  char host[ADDRESS_TEXT];
  const char *colon = strrchr(text, ':');
  if (colon == NULL || colon[1] == '\0') return false;
  const char *start = text;
  size_t length = (size_t)(colon - text);
  if (length >= 2 && start[0] == '[' && start[length - 1] == ']') {
    start += 1;
    length -= 2;
  }
  if (length == 0 || length >= sizeof host) return false;
  // getaddrinfo takes larger ports modulo 65536.
  char *end;
  unsigned long port = strtoul(colon + 1, &end, 10);
  if (*end != '\0' || port > 65535) return false;
  memcpy(host, start, length);
  host[length] = '\0';

  struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_DGRAM};
  struct addrinfo *found = NULL;
  if (getaddrinfo(host, colon + 1, &hints, &found) != 0) return false;
  memset(result, 0, sizeof *result);
  memcpy(&result->storage, found->ai_addr, found->ai_addrlen);
  result->length = found->ai_addrlen;
  freeaddrinfo(found);
  return true;
}

void address_print(const struct address *address, char *text) {
  char host[64], port[8];
  if (getnameinfo(
        (const struct sockaddr *)&address->storage, address->length, host, sizeof host, port, sizeof port,
        NI_NUMERICHOST | NI_NUMERICSERV)
      != 0) {
    snprintf(text, ADDRESS_TEXT, "?");
    return;
  }
  snprintf(text, ADDRESS_TEXT, address->storage.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

unsigned address_port(const struct address *address) {
  if (address->storage.ss_family == AF_INET6) return ntohs(((const struct sockaddr_in6 *)&address->storage)->sin6_port);
  return ntohs(((const struct sockaddr_in *)&address->storage)->sin_port);
}

bool address_equal(const struct address *one, const struct address *other) {
  if (one->storage.ss_family != other->storage.ss_family || address_port(one) != address_port(other)) return false;
  if (one->storage.ss_family == AF_INET6) {
    const struct sockaddr_in6 *a = (const struct sockaddr_in6 *)&one->storage;
    const struct sockaddr_in6 *b = (const struct sockaddr_in6 *)&other->storage;
    return memcmp(&a->sin6_addr, &b->sin6_addr, sizeof a->sin6_addr) == 0;
  }
  const struct sockaddr_in *a = (const struct sockaddr_in *)&one->storage;
  const struct sockaddr_in *b = (const struct sockaddr_in *)&other->storage;
  return a->sin_addr.s_addr == b->sin_addr.s_addr;
}

/// Asks for large buffers: beyond the system's limit where the process may, else up to it.
static void enlarge_buffers(int descriptor) {
  int size = SOCKET_BUFFER;
#ifdef SO_RCVBUFFORCE
  if (setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) == 0
      && setsockopt(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) == 0)
    return;
#endif
  // What the system does not grant, it cuts down or refuses: a smaller buffer only drops more under bursts.
  (void)setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  (void)setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

int address_bind_loopback(int family, struct address *bound) {
  int descriptor = socket(family, SOCK_DGRAM, 0);
  if (descriptor < 0) return -1;
  enlarge_buffers(descriptor);
  memset(bound, 0, sizeof *bound);
  bool parsed = address_parse(family == AF_INET6 ? "[::1]:0" : "127.0.0.1:0", bound);
  bound->length = parsed ? bound->length : 0;
  socklen_t length = sizeof bound->storage;
  if (fcntl(descriptor, F_SETFL, O_NONBLOCK) < 0
      || bind(descriptor, (const struct sockaddr *)&bound->storage, bound->length) < 0
      || getsockname(descriptor, (struct sockaddr *)&bound->storage, &length) < 0) {
    close(descriptor);
    return -1;
  }
  bound->length = length;
  return descriptor;
}
