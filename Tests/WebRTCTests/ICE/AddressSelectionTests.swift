import Testing

@testable import WebRTC

@Suite("Which addresses of the machine take part")
struct AddressSelectionTests {
  private func isLoopback(_ address: String) -> Bool { address.hasPrefix("127.") || address == "::1" }

  private var loopbackInterface: String {
    #if canImport(Darwin)
      "lo0"
    #else
      "lo"
    #endif
  }

  @Test func `literal addresses are taken as they are`() {
    #expect(AddressSelection.addresses(["192.0.2.1", "::1"]).current == ["192.0.2.1", "::1"])
  }

  @Test func `an interface has its addresses, and an unknown one has none`() {
    #expect(AddressSelection.interfaces([loopbackInterface]).current.contains("127.0.0.1"))
    #expect(AddressSelection.interfaces([loopbackInterface]).current.allSatisfy(isLoopback))
    #expect(AddressSelection.interfaces(["no such interface"]).current == [])
    #expect(AddressSelection.interfaces([]).current == [])
  }

  @Test func `usually the loopback addresses take part only if there are no others`() {
    let addresses = AddressSelection.automatic.current
    #expect(!addresses.isEmpty)
    #expect(addresses.allSatisfy(isLoopback) || !addresses.contains(where: isLoopback))
  }

  @Test func `link-local addresses do not take part, and none has a zone`() {
    for selection in [AddressSelection.automatic, .interfaces([loopbackInterface])] {
      for address in selection.current { #expect(!address.lowercased().hasPrefix("fe80:") && !address.contains("%")) }
    }
  }
}
