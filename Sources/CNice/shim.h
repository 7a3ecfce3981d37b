// libnice and GLib for Swift. The functions below stand for what Swift does not import: functions with variable
// arguments, macros, and signals whose handlers have other parameters than GCallback.
#pragma once

#include <nice/agent.h>
#include <nice/interfaces.h>
#include <gio/gnetworking.h>
#include <netinet/in.h>
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

// udp(7): the kernel cuts what it is given into datagrams of this size, the last of which may be shorter.
enum { cnice_udp_segment = 103, cnice_most_segments = 48, cnice_most_bytes = 65000 };
#endif

// Sends at most `cnice_batch` datagrams, which lie one after the other in `bytes`. What the socket has no room for is
// lost, as it might be anywhere on the way. `can_segment` says whether the kernel may be given several datagrams of one
// size as one; it is cleared where the kernel cannot.
static inline void cnice_send_batch(
  int socket, const NiceAddress *to, unsigned char *bytes, const unsigned *lengths, unsigned count,
  unsigned char *can_segment) {
  struct sockaddr_storage address;
  nice_address_copy_to_sockaddr(to, (struct sockaddr *)&address);
  socklen_t address_length =
    address.ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
#ifdef __linux__
  struct cnice_batched messages[cnice_batch];
  struct iovec pieces[cnice_batch];
  union { struct cmsghdr header; unsigned char space[CMSG_SPACE(sizeof(unsigned short))]; } controls[cnice_batch];
  unsigned starts[cnice_batch];
  if (count > cnice_batch) count = cnice_batch;
  unsigned first = 0;
  while (first < count) {
    unsigned used = 0;
    unsigned char *at = bytes;
    for (unsigned i = first; i < count; used++) {
      unsigned end = i + 1, total = lengths[i];
      while (*can_segment && end < count && end - i < cnice_most_segments && lengths[end - 1] == lengths[i] &&
             lengths[end] <= lengths[i] && total + lengths[end] <= cnice_most_bytes) {
        total += lengths[end++];
      }
      pieces[used].iov_base = at;
      pieces[used].iov_len = total;
      memset(&messages[used], 0, sizeof(messages[used]));
      messages[used].header.msg_name = &address;
      messages[used].header.msg_namelen = address_length;
      messages[used].header.msg_iov = &pieces[used];
      messages[used].header.msg_iovlen = 1;
      if (end - i > 1) {
        messages[used].header.msg_control = &controls[used];
        messages[used].header.msg_controllen = sizeof(controls[used]);
        struct cmsghdr *control = CMSG_FIRSTHDR(&messages[used].header);
        unsigned short size = (unsigned short)lengths[i];
        control->cmsg_level = IPPROTO_UDP;
        control->cmsg_type = cnice_udp_segment;
        control->cmsg_len = CMSG_LEN(sizeof(size));
        memcpy(CMSG_DATA(control), &size, sizeof(size));
      }
      starts[used] = i;
      at += total;
      i = end;
    }
    unsigned sent = 0;
    while (sent < used) {
      int result = cnice_sendmmsg(socket, messages + sent, used - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (result > 0) {
        sent += (unsigned)result;
      } else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
        return;
      } else if (errno != EINTR) {
        if (messages[sent].header.msg_controllen > 0 && (errno == EIO || errno == EINVAL || errno == EOPNOTSUPP)) {
          *can_segment = 0;
          break;
        }
        // An error of one, such as an earlier datagram that was refused, says nothing of those behind it.
        sent++;
      }
    }
    if (sent == used) return;
    // Those that were given as one are given again, one by one.
    bytes = (unsigned char *)pieces[sent].iov_base;
    first = starts[sent];
  }
#else
  for (unsigned i = 0; i < count; i++) {
    if (sendto(socket, bytes, lengths[i], MSG_DONTWAIT, (struct sockaddr *)&address, address_length) < 0 &&
        (errno == EAGAIN || errno == ENOBUFS)) return;
    bytes += lengths[i];
  }
#endif
}

// Lets GLib poll the descriptor of the source that is dispatched now meanwhile, too: otherwise it takes it out of the list
// and puts it back each time, and wakes its own loop twice by that. Nothing here runs a loop within a loop.
static inline void cnice_keep_polled(void) {
  GSource *source = g_main_current_source();
  if (source && !g_source_get_can_recurse(source)) g_source_set_can_recurse(source, TRUE);
}

// Asks for a larger socket buffer; the system grants what its limits allow.
static inline void cnice_set_buffers(GSocket *socket, int bytes) {
  int descriptor = g_socket_get_fd(socket);
  setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
  setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

static inline GSocket *cnice_socket_at(GPtrArray *sockets, unsigned index) {
  return (GSocket *)g_ptr_array_index(sockets, index);
}
