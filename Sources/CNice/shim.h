// libnice and GLib for Swift. The functions below stand for what Swift does not import: functions with variable
// arguments, macros, and signals whose handlers have other parameters than GCallback.
#pragma once

#include <nice/agent.h>
#include <nice/interfaces.h>
#include <gio/gnetworking.h>
#include <sys/socket.h>
#include <string.h>
#include <errno.h>

static inline void cnice_set_flag(NiceAgent *agent, const char *property, gboolean value) {
  g_object_set(agent, property, value, NULL);
}

static inline void cnice_set_number(NiceAgent *agent, const char *property, guint value) {
  g_object_set(agent, property, value, NULL);
}

static inline void cnice_set_text(NiceAgent *agent, const char *property, const char *value) {
  g_object_set(agent, property, value, NULL);
}

typedef void (*cnice_candidate_handler)(NiceAgent *, NiceCandidate *, void *);
typedef void (*cnice_stream_handler)(NiceAgent *, guint stream, void *);
typedef void (*cnice_state_handler)(NiceAgent *, guint stream, guint component, guint state, void *);
typedef void (*cnice_pair_handler)(
  NiceAgent *, guint stream, guint component, NiceCandidate *local, NiceCandidate *remote, void *);

static inline void cnice_on_candidate(NiceAgent *agent, cnice_candidate_handler handler, void *context) {
  g_signal_connect(agent, "new-candidate-full", G_CALLBACK(handler), context);
}

static inline void cnice_on_gathering_done(NiceAgent *agent, cnice_stream_handler handler, void *context) {
  g_signal_connect(agent, "candidate-gathering-done", G_CALLBACK(handler), context);
}

static inline void cnice_on_state(NiceAgent *agent, cnice_state_handler handler, void *context) {
  g_signal_connect(agent, "component-state-changed", G_CALLBACK(handler), context);
}

static inline void cnice_on_selected_pair(NiceAgent *agent, cnice_pair_handler handler, void *context) {
  g_signal_connect(agent, "new-selected-pair-full", G_CALLBACK(handler), context);
}

static inline void cnice_disconnect(NiceAgent *agent, void *context) {
  g_signal_handlers_disconnect_by_data(agent, context);
}

enum { cnice_batch = 64 };

#ifdef __linux__
// glibc declares these to those who ask for its extensions only.
struct cnice_batched { struct msghdr header; unsigned length; };
extern int cnice_sendmmsg(int socket, struct cnice_batched *messages, unsigned count, int flags) __asm__("sendmmsg");
#endif

// Sends at most `cnice_batch` datagrams, which lie one after the other in `bytes`. What the socket has no room for is
// lost, as it might be anywhere on the way. Returns how many the socket took.
static inline unsigned cnice_send_batch(
  int socket, const NiceAddress *to, unsigned char *bytes, const unsigned *lengths, unsigned count) {
  struct sockaddr_storage address;
  nice_address_copy_to_sockaddr(to, (struct sockaddr *)&address);
  socklen_t address_length =
    address.ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
  unsigned sent = 0;
#ifdef __linux__
  struct cnice_batched messages[cnice_batch];
  struct iovec pieces[cnice_batch];
  if (count > cnice_batch) count = cnice_batch;
  memset(messages, 0, count * sizeof(messages[0]));
  for (unsigned i = 0; i < count; i++) {
    pieces[i].iov_base = bytes;
    pieces[i].iov_len = lengths[i];
    bytes += lengths[i];
    messages[i].header.msg_name = &address;
    messages[i].header.msg_namelen = address_length;
    messages[i].header.msg_iov = &pieces[i];
    messages[i].header.msg_iovlen = 1;
  }
  while (sent < count) {
    int result = cnice_sendmmsg(socket, messages + sent, count - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (result > 0) {
      sent += (unsigned)result;
    } else if (errno != EINTR) {
      // An error of the first one, such as a refused earlier datagram, says nothing of those behind it.
      if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) break;
      sent++;
    }
  }
#else
  for (; sent < count; sent++) {
    if (sendto(socket, bytes, lengths[sent], MSG_DONTWAIT, (struct sockaddr *)&address, address_length) < 0 &&
        (errno == EAGAIN || errno == ENOBUFS)) break;
    bytes += lengths[sent];
  }
#endif
  return sent;
}

// Asks for a larger socket buffer; the system grants what its limits allow.
static inline void cnice_set_buffers(GSocket *socket, int bytes) {
  int descriptor = g_socket_get_fd(socket);
  setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
  setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

static inline const char *cnice_foundation(const NiceCandidate *candidate) {
  return candidate->foundation;
}

static inline void cnice_set_foundation(NiceCandidate *candidate, const char *foundation) {
  g_strlcpy(candidate->foundation, foundation, sizeof(candidate->foundation));
}

static inline GSocket *cnice_socket_at(GPtrArray *sockets, unsigned index) {
  return (GSocket *)g_ptr_array_index(sockets, index);
}
