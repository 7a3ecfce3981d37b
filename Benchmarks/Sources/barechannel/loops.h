#ifndef BARECHANNEL_LOOPS_H
#define BARECHANNEL_LOOPS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

/// The longest payload: that of the longest DTLS record.
#define PAYLOAD_MOST 16384

/// A socket to send from, and one to receive at.
struct link {
  int sender, receiver;
  struct sockaddr_in to;
};

/// What a process has done.
struct tally {
  uint64_t packets;
  double seconds;
  double processor_seconds;
};

/// Makes the sockets. Returns whether it could.
bool link_prepare(struct link *link);

/// Sends packets for so long, and then tells the other that it is the end. Returns whether all went well.
bool send_loop(const struct link *link, unsigned payload, double seconds, struct tally *tally);

/// Receives until the end. Returns whether each packet was authentic, and any came.
bool receive_loop(const struct link *link, unsigned payload, struct tally *tally);

#endif
