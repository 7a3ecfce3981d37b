#if WebRTC
  public import PouchCore
  public import WebRTC

  extension Database {
    /// The STUN and TURN servers that the operator of this hub offers: those of its design document `_design/peerpouch`, in
    /// the form of browsers' `RTCIceServer`.
    ///
    /// ```json
    /// {"_id": "_design/peerpouch", "ice_servers": [{"urls": "turn:turn.example.org", "username": "u", "credential": "c"}]}
    /// ```
    ///
    /// For users who have said that they want them: whoever can write the document chooses servers that learn the
    /// addresses of those who use them. Data stays encrypted between the peers.
    /// - Returns: at most ``PublishedServers/limit``; entries that make no sense are left out.
    /// - Throws: what the hub throws, but not that there is no such document.
    public func publishedIceServers() async throws -> [IceServer] {
      do {
        return PublishedServers.read(try await get(PublishedServers.documentID))
      } catch let error as PouchError where error.code == .notFound {
        return []
      }
    }
  }

  /// STUN and TURN servers in a hub's design document.
  public enum PublishedServers {
    /// How many are taken: connections use 8 at most.
    public static let limit = 8
    static let documentID: DocumentID = "_design/peerpouch"

    static func read(_ document: Document) -> [IceServer] {
      var servers: [IceServer] = []
      for entry in document["ice_servers"]?.array ?? [] {
        let urls = entry["urls"]?.string.map { [$0] } ?? entry["urls"]?.array?.compactMap(\.string) ?? []
        for url in urls {
          let server = try? IceServer(
            url, username: entry["username"]?.string, credential: entry["credential"]?.string)
          if let server { servers.append(server) }
        }
      }
      return Array(servers.prefix(limit))
    }
  }
#endif
