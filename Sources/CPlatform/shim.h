// System interfaces that Swift's own modules leave out.
#include <sys/xattr.h>  // extended attributes
#include <zlib.h>       // gzip
