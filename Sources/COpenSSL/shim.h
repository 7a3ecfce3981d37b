// OpenSSL 3 for Swift. The functions below stand for macros and functions with variable arguments.
#pragma once

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/time.h>

static inline EVP_PKEY *copenssl_new_p256_key(void) {
  return EVP_EC_gen("P-256");
}

// DTLS 1.2 alone, which asks nobody for the path's size, and is neither renegotiated nor resumed.
static inline void copenssl_set_up(SSL_CTX *context) {
  SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
  SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(context, DTLS1_2_VERSION);
}

static inline void copenssl_set_mtu(SSL *ssl, long bytes) {
  SSL_set_mtu(ssl, bytes);
}

// Whether a handshake timer runs, and in how many microseconds it is due.
static inline int copenssl_timeout(SSL *ssl, long *microseconds) {
  struct timeval left;
  if (!DTLSv1_get_timeout(ssl, &left)) return 0;
  *microseconds = left.tv_sec * 1000000L + left.tv_usec;
  return 1;
}

static inline long copenssl_handle_timeout(SSL *ssl) {
  return DTLSv1_handle_timeout(ssl);
}

static inline void copenssl_set_retry_read(BIO *bio) {
  BIO_set_retry_read(bio);
}

static inline void copenssl_clear_retry(BIO *bio) {
  BIO_clear_retry_flags(bio);
}

// Keys that are encrypted are not read: nobody is asked for a password.
static inline int copenssl_no_password(char *buffer, int size, int writing, void *context) {
  (void)buffer; (void)size; (void)writing; (void)context;
  return -1;
}

static inline int copenssl_read_pem_certificate_and_key(
  const void *bytes, int count, X509 **certificate, EVP_PKEY **key) {
  BIO *bio = BIO_new_mem_buf(bytes, count);
  if (!bio) return 0;
  *certificate = PEM_read_bio_X509(bio, NULL, copenssl_no_password, NULL);
  BIO_reset(bio);
  *key = PEM_read_bio_PrivateKey(bio, NULL, copenssl_no_password, NULL);
  BIO_free(bio);
  return *certificate && *key;
}
