import PouchCore
