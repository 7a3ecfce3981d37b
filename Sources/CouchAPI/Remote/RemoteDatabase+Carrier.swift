extension RemoteDatabase {
  /// What brings the requests to the server.
  public var carrier: any Carrier { client.carrier }
}
