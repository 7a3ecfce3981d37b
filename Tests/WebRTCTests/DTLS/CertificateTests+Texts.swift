extension CertificateTests {
  /// A certificate and its key that `openssl req` made for this test. They protect nothing.
  static let known = """
    -----BEGIN CERTIFICATE-----
    MIIBdTCCARugAwIBAgIUPwNhv7KjExDb9a9v9wnR+w1mJPQwCgYIKoZIzj0EAwIw
    DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjUxODExNTNaGA8yMDgxMDgyODE4MTE1
    M1owDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABE0h
    MtZtkzUgg0+sJngEoWF5mzh/2YYR1vnP8jsLdYHmGpw4wqUCZUuMHWJwlJpZVH5O
    AkAZPD3lPhgpxm+pU7ijUzBRMB0GA1UdDgQWBBTGo5m5RA/wXOLkAZA4mKh11jJi
    XzAfBgNVHSMEGDAWgBTGo5m5RA/wXOLkAZA4mKh11jJiXzAPBgNVHRMBAf8EBTAD
    AQH/MAoGCCqGSM49BAMCA0gAMEUCIQDj+Pn0AlheeWRM1lR7gRE7yNJfjmHOMABy
    Oi7JRn1X+AIgbMFxoo+Bsn9r4+SSj4Caxo51s1IQhb+8B80SOVcmLpw=
    -----END CERTIFICATE-----
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgw7SI66Y2PtqeFWFn
    kp44TE0VQrRYizk3ZYkAvoJIjEehRANCAARNITLWbZM1IINPrCZ4BKFheZs4f9mG
    Edb5z/I7C3WB5hqcOMKlAmVLjB1icJSaWVR+TgJAGTw95T4YKcZvqVO4
    -----END PRIVATE KEY-----

    """

  /// What `openssl x509 -fingerprint -sha256` says of the known certificate.
  static let knownFingerprint =
    "34:7E:24:DC:E8:36:EF:70:F1:EB:9D:54:75:36:2B:55:7E:0B:6D:3A:FE:01:BD:E3:D9:F7:AD:3D:7A:24:1B:C8"

  /// The known key, encrypted with the password `secret`.
  static let encryptedKey = """
    -----BEGIN ENCRYPTED PRIVATE KEY-----
    MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjPOB2omtktKAICCAAw
    DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEFPYNp6zT+tG5BIv0O3fBcoEgZAN
    691d5ukzx7d5dD4RukZQwvxKiBZrrrriK2wnVuzQ9F4sBz34z4i2EZUkxA7hmi+k
    xQJ6pUQJZ6xmDSgkY3EBaPXVoPiYUwWU0urQFmlLT0i7ac/xq0Fr6NSDmZ6bXopB
    OxzAGxXPddfdi7mYuC+ZBSMnck4E2kXKru8hzdZwgrJxbwObETMuC+sfsI6n4is=
    -----END ENCRYPTED PRIVATE KEY-----

    """
}
