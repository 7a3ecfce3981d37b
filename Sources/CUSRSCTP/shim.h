// usrsctp for Swift. The functions below stand for what Swift does not import: variable arguments, flexible arrays, and
// the processor's own CRC32c.
#pragma once

// The header declares other structures without them; the library was built with both.
#ifndef INET
#define INET 1
#endif
#ifndef INET6
#define INET6 1
#endif
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <usrsctp.h>

typedef int (*cusrsctp_output)(void *address, void *packet, size_t length, uint8_t tos, uint8_t set_df);

// Starts the library without threads of its own: whoever calls in does its work.
static inline void cusrsctp_start(cusrsctp_output output) {
  usrsctp_init_nothreads(0, output, NULL);
}

// Sets what all paths of the socket's association have: the largest packet without its header, milliseconds between
// heartbeats, and after how many unanswered ones a path counts as gone.
static inline int cusrsctp_set_path(
  struct socket *socket, uint32_t packet, uint32_t heartbeat, uint16_t retransmissions) {
  struct sctp_paddrparams path;
  memset(&path, 0, sizeof(path));
  path.spp_address.ss_family = AF_CONN;
  path.spp_flags = SPP_PMTUD_DISABLE | SPP_HB_ENABLE;
  path.spp_pathmtu = packet;
  path.spp_hbinterval = heartbeat;
  path.spp_pathmaxrxt = retransmissions;
  return usrsctp_setsockopt(socket, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &path, sizeof(path));
}

// Sends the peer a heartbeat now, which it answers at once.
static inline int cusrsctp_send_heartbeat(struct socket *socket, const struct sockaddr_conn *peer) {
  struct sctp_paddrparams path;
  memset(&path, 0, sizeof(path));
  memcpy(&path.spp_address, peer, sizeof(*peer));
  path.spp_flags = SPP_HB_DEMAND;
  return usrsctp_setsockopt(socket, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &path, sizeof(path));
}

// Asks for the reset of one outgoing stream (RFC 6525). Returns 0, or -1 with errno.
static inline int cusrsctp_reset_stream(struct socket *socket, uint16_t stream) {
  uint8_t storage[sizeof(struct sctp_reset_streams) + sizeof(uint16_t)];
  memset(storage, 0, sizeof(storage));
  struct sctp_reset_streams *reset = (struct sctp_reset_streams *)(void *)storage;
  reset->srs_flags = SCTP_STREAM_RESET_OUTGOING;
  reset->srs_number_streams = 1;
  memcpy(storage + offsetof(struct sctp_reset_streams, srs_stream_list), &stream, sizeof(stream));
  return usrsctp_setsockopt(socket, IPPROTO_SCTP, SCTP_RESET_STREAMS, storage, sizeof(storage));
}

static inline size_t cusrsctp_reset_count(const struct sctp_stream_reset_event *event) {
  size_t header = offsetof(struct sctp_stream_reset_event, strreset_stream_list);
  return event->strreset_length < header ? 0 : (event->strreset_length - header) / sizeof(uint16_t);
}

static inline uint16_t cusrsctp_reset_stream_at(const struct sctp_stream_reset_event *event, size_t index) {
  return event->strreset_stream_list[index];
}

// The processor's own instructions for CRC32c, where it has them.
#if defined(__x86_64__)
#define CUSRSCTP_HARDWARE __attribute__((target("sse4.2")))
CUSRSCTP_HARDWARE static inline uint32_t cusrsctp_add8(uint32_t crc, const uint8_t *bytes) {
  uint64_t word;
  memcpy(&word, bytes, 8);
  return (uint32_t)__builtin_ia32_crc32di(crc, word);
}
CUSRSCTP_HARDWARE static inline uint32_t cusrsctp_add1(uint32_t crc, uint8_t byte) {
  return __builtin_ia32_crc32qi(crc, byte);
}
static inline int cusrsctp_has_crc32c(void) { return __builtin_cpu_supports("sse4.2") != 0; }
#elif defined(__aarch64__) && (defined(__ARM_FEATURE_CRC32) || defined(__APPLE__))
#define CUSRSCTP_HARDWARE __attribute__((target("crc")))
CUSRSCTP_HARDWARE static inline uint32_t cusrsctp_add8(uint32_t crc, const uint8_t *bytes) {
  uint64_t word;
  memcpy(&word, bytes, 8);
  return __builtin_arm_crc32cd(crc, word);
}
CUSRSCTP_HARDWARE static inline uint32_t cusrsctp_add1(uint32_t crc, uint8_t byte) {
  return __builtin_arm_crc32cb(crc, byte);
}
static inline int cusrsctp_has_crc32c(void) { return 1; }
#else
#define CUSRSCTP_HARDWARE
static inline uint32_t cusrsctp_add8(uint32_t crc, const uint8_t *bytes) { (void)bytes; return crc; }
static inline uint32_t cusrsctp_add1(uint32_t crc, uint8_t byte) { (void)byte; return crc; }
static inline int cusrsctp_has_crc32c(void) { return 0; }
#endif

// An instruction takes three cycles, and one can begin in each: so long packets are computed in blocks of three lanes, side
// by side. CRCs are linear: that of two parts is that of the first one, as if zeros had followed in place of the second,
// XOR that of the second one, begun with 0.
enum { cusrsctp_lane = 256 };

struct cusrsctp_crc32c {
  int has_hardware;
  // What the zeros of a lane make of a CRC, by the value of each of its bytes.
  uint32_t skipped[4][256];
};

CUSRSCTP_HARDWARE
static inline void cusrsctp_prepare_hardware(struct cusrsctp_crc32c *tables) {
  static const uint8_t zeros[8];
  for (int place = 0; place < 4; place++) {
    for (uint32_t byte = 0; byte < 256; byte++) {
      uint32_t crc = byte << (8 * place);
      for (int i = 0; i < cusrsctp_lane; i += 8) crc = cusrsctp_add8(crc, zeros);
      tables->skipped[place][byte] = crc;
    }
  }
}

static inline void cusrsctp_prepare(struct cusrsctp_crc32c *tables) {
  tables->has_hardware = cusrsctp_has_crc32c();
  if (tables->has_hardware) cusrsctp_prepare_hardware(tables);
}

static inline uint32_t cusrsctp_skip_lane(const struct cusrsctp_crc32c *tables, uint32_t crc) {
  return tables->skipped[0][crc & 255] ^ tables->skipped[1][crc >> 8 & 255] ^ tables->skipped[2][crc >> 16 & 255] ^
         tables->skipped[3][crc >> 24];
}

CUSRSCTP_HARDWARE
static inline uint32_t cusrsctp_crc32c_hardware(
  const struct cusrsctp_crc32c *tables, uint32_t crc, const uint8_t *bytes, size_t count) {
  for (; count >= 3 * cusrsctp_lane; count -= 3 * cusrsctp_lane, bytes += 3 * cusrsctp_lane) {
    uint32_t second = 0, third = 0;
    for (const uint8_t *at = bytes; at < bytes + cusrsctp_lane; at += 8) {
      crc = cusrsctp_add8(crc, at);
      second = cusrsctp_add8(second, at + cusrsctp_lane);
      third = cusrsctp_add8(third, at + 2 * cusrsctp_lane);
    }
    crc = cusrsctp_skip_lane(tables, crc) ^ second;
    crc = cusrsctp_skip_lane(tables, crc) ^ third;
  }
  for (; count >= 8; count -= 8, bytes += 8) crc = cusrsctp_add8(crc, bytes);
  for (; count > 0; count--, bytes++) crc = cusrsctp_add1(crc, *bytes);
  return crc;
}

// The CRC32c of an SCTP packet (RFC 9260 appendix A) as its bytes stand in the header, by the processor where it can.
static inline uint32_t cusrsctp_checksum(const struct cusrsctp_crc32c *tables, const void *bytes, size_t count) {
  if (!tables->has_hardware) return usrsctp_crc32c((void *)bytes, count);
  return cusrsctp_crc32c_hardware(tables, 0xffffffffu, (const uint8_t *)bytes, count) ^ 0xffffffffu;
}
