import PouchCore
import Testing

@Suite("Entries of _attachments")
struct AttachmentEntryTests {
  private func entries(_ text: String) throws -> Attachments {
    try document(#"{"_attachments":\#(text)}"#).attachments
  }

  @Test func `content comes as base64`() throws {
    let attachments = try entries(
      #"{"b":{"data":"aGk=","content_type":"text/plain"},"a":{"data":""},"c":{"data":"\u0061Gk=","stub":true}}"#)
    #expect(attachments.names == ["b", "a", "c"])
    #expect(attachments["b"]?.data == Array("hi".utf8))
    #expect(attachments["b"]?.contentType == "text/plain")
    #expect(attachments["a"]?.data == [])
    #expect(attachments["a"]?.contentType == "application/octet-stream")
    #expect(attachments["c"]?.data == Array("hi".utf8))
  }

  @Test func `a stub has no content, but all that is known of it`() throws {
    let attachments = try entries(
      """
      {"t":{"content_type":"text/plain","revpos":1,"digest":"md5-Wg==","length":900,"stub":true,\
      "encoding":"gzip","encoded_length":73}}
      """)
    let attachment = try #require(attachments["t"])
    #expect(attachment.isStub)
    #expect(attachment.data == nil)
    #expect(attachment.digest == "md5-Wg==")
    #expect(attachment.revisionPosition == 1)
    #expect(attachment.length == 900)
    #expect(attachment.encoding == .gzip)
    #expect(attachment.encodedLength == 73)
  }

  @Test func `content that is stored as it is has no encoding`() throws {
    #expect(try entries(#"{"a":{"data":"","encoding":"identity"}}"#)["a"]?.encoding == nil)
  }

  @Test(arguments: [
    (#"{"h":{"data":"%%%"}}"#, "Invalid attachment data for h"),
    (#"{"h":{"data":"aGk"}}"#, "Invalid attachment data for h"),
    (#"{"h":{"data":5}}"#, "Invalid attachment data for h"), (#"{"h":{"data":null}}"#, "Invalid attachment data for h"),
    (#"{"h":5}"#, "Invalid attachment data for h"), (#"{"h":["data"]}"#, "Invalid attachment data for h"),
    (#"{"a":{"data":""},"h":{"data":"","encoding":"br"}}"#, "Invalid attachment encoding for h"),
  ])
  func `an entry that cannot be is refused by its name`(_ text: String, _ reason: String) {
    #expect(throws: PouchError(.badRequest, reason)) { try entries(text) }
  }

  @Test func `a stream is announced, not read`() throws {
    var document: Document = ["_id": "a"]
    let stream = ByteStream { { throw CancellationError() } }
    document.attachments["s"] = PouchCore.Attachment(.stream(stream), contentType: "text/plain")
    #expect(
      String(decoding: document.encoded, as: UTF8.self)
        == #"{"_id":"a","_attachments":{"s":{"content_type":"text/plain","follows":true}}}"#)
  }
}
