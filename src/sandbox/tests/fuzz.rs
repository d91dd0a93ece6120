//! Whatever comes in, nothing panics (stopping the sandbox passes a panic on), and the next connection is served.

use std::net::Shutdown;

use proptest::prelude::*;

use super::*;

/// Pieces that get deeper into the dialogue than random octets do.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known = [
        "EHLO x\r\n",
        "HELO x\r\n",
        "MAIL FROM:<a@x>\r\n",
        "MAIL FROM:<a@x> SIZE=9 BODY=8BITMIME\r\n",
        "RCPT TO:<b@x>\r\n",
        "RCPT TO:<rcpt-550@x>\r\n",
        "RCPT TO:<dot-451-once@x>\r\n",
        "RCPT TO:<multiline-reply@x>\r\n",
        "DATA\r\n",
        "BDAT 5\r\n",
        "BDAT 0 LAST\r\n",
        "BDAT 3 LAST\r\n",
        "BDAT 99999999999999999\r\n",
        "RSET\r\n",
        "NOOP\r\n",
        ".\r\n",
        "\r\n",
        "\n",
        "\r",
        "..",
        "FROM:<\"\\",
        "\u{e9}",
        " ",
    ];
    prop_oneof![
        4 => proptest::sample::select(known.to_vec()).prop_map(|text| text.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..40),
        1 => (any::<u8>(), 1..6000usize).prop_map(|(byte, count)| vec![byte; count]),
    ]
}

#[test]
fn any_octets() {
    let all = sandbox(|_| ());
    let none = sandbox(|options| options.announce = Announce::NOTHING);
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(200)
    };
    proptest!(config, |(pieces in proptest::collection::vec(piece(), 0..30), wait in any::<bool>())| {
        for sandbox in [&all, &none] {
            let mut client = Client::new(sandbox);
            for piece in &pieces {
                // It may have hung up on us, which is its right.
                if client.0.get_mut().write_all(piece).is_err() {
                    break;
                }
                if wait {
                    thread::yield_now();
                }
            }
            let _ = client.0.get_ref().shutdown(Shutdown::Write);
            let mut replies = Vec::new();
            let read = client.0.read_to_end(&mut replies);
            let hung = read.is_err_and(|error| error.kind() != io::ErrorKind::ConnectionReset);
            prop_assert!(!hung);
        }
    });
    for sandbox in [all, none] {
        Client::new(&sandbox).reply();
        sandbox.stop();
    }
}
