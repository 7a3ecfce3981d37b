@testable import PouchReplication
