import PouchHTTP
