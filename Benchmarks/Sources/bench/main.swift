import ArgumentParser
import GRDBSQLite
import PeerPouch
print(sqlite3_libversion_number())
