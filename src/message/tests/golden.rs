//! Messages byte for byte.

use super::{build, campaign, recipient, rendered, wire};

/// The lines as they go over the wire.
fn crlf(lines: &str) -> String {
    lines.replace('\n', "\r\n")
}

#[test]
fn plain_text() {
    let message = build(
        &campaign(&[]),
        &recipient("Jane Doe", ""),
        rendered("Jane, your digest", Some("Hello Jane,\n.\nBye"), None),
    )
    .unwrap();
    assert_eq!(
        wire(&message),
        crlf(
            "\
Date: Fri, 20 Nov 2026 12:00:00 +0000
From: ACME News <news@acme.example>
To: Jane Doe <jane@a.example>
Subject: Jane, your digest
Message-ID: <4rhrd22wtmxzu3jtnhlmetqpbd@acme.example>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 7bit

Hello Jane,
.
Bye
"
        )
    );
    assert_eq!(message.key, "jane@a.example");
    assert_eq!(message.row, 7);
    assert_eq!(message.envelope_from.to_string(), "news@acme.example");
    assert_eq!(message.envelope_to.to_string(), "jane@a.example");
    assert_eq!(
        message.message_id,
        "4rhrd22wtmxzu3jtnhlmetqpbd@acme.example"
    );
}

#[test]
fn html_alone_without_a_name() {
    let message = build(
        &campaign(&[]),
        &recipient("", ""),
        rendered(
            "Grüße",
            None,
            Some("<p class=\"x\">Grüße aus Köln am Rhein</p> \n"),
        ),
    )
    .unwrap();
    assert_eq!(
        wire(&message),
        crlf(
            "\
Date: Fri, 20 Nov 2026 12:00:00 +0000
From: ACME News <news@acme.example>
To: jane@a.example
Subject: =?utf-8?b?R3LDvMOfZQ==?=
Message-ID: <4rhrd22wtmxzu3jtnhlmetqpbd@acme.example>
MIME-Version: 1.0
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: quoted-printable

<p class=3D\"x\">Gr=C3=BC=C3=9Fe aus K=C3=B6ln am Rhein</p>=20
"
        )
    );
}

#[test]
fn everything() {
    let mut campaign = campaign(&["X-Campaign", "X-Empty", "Sender"]);
    campaign.message.from.name = Some("ACME, Köln".to_owned());
    campaign.message.reply_to = Some("editor@acme.example".parse().unwrap());
    let mut texts = rendered(
        "你好，十一月简报",
        Some("Hello\n"),
        Some("<p>你好，十一月简报，祝您愉快</p>"),
    );
    texts.to = Some("Doe, Jane \"JJ\" <jane@A.example>".into());
    texts.headers = vec![
        "nov".into(),
        String::new().into(),
        "Jörg <jo@acme.example>".into(),
    ];
    texts.envelope_from = Some("bounce+x@acme.example".into());
    let message = build(&campaign, &recipient("Jane", ""), texts).unwrap();
    assert_eq!(
        wire(&message),
        crlf(
            "\
Date: Fri, 20 Nov 2026 12:00:00 +0000
From: =?utf-8?b?QUNNRSwgS8O2bG4=?= <news@acme.example>
Reply-To: editor@acme.example
To: \"Doe, Jane \\\"JJ\\\"\" <jane@a.example>
Subject: =?utf-8?b?5L2g5aW977yM5Y2B5LiA5pyI566A5oql?=
Message-ID: <4rhrd22wtmxzu3jtnhlmetqpbd@acme.example>
X-Campaign: nov
Sender: =?utf-8?b?SsO2cmc=?= <jo@acme.example>
MIME-Version: 1.0
Content-Type: multipart/alternative;
 boundary=\"=_4rhrd22wtmxzu3jtnhlmetqpbd\"

--=_4rhrd22wtmxzu3jtnhlmetqpbd
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 7bit

Hello
--=_4rhrd22wtmxzu3jtnhlmetqpbd
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: base64

PHA+5L2g5aW977yM5Y2B5LiA5pyI566A5oql77yM56Wd5oKo5oSJ5b+rPC9wPg0K
--=_4rhrd22wtmxzu3jtnhlmetqpbd--
"
        )
    );
    assert_eq!(message.envelope_from.to_string(), "bounce+x@acme.example");
}

#[test]
fn the_same_arguments_give_the_same_bytes() {
    let one = || {
        let texts = rendered("s", Some("text"), Some("<p>"));
        wire(&build(&campaign(&[]), &recipient("Jane", ""), texts).unwrap())
    };
    assert_eq!(one(), one());
}

#[test]
fn a_message_may_be_empty() {
    let message = build(&campaign(&[]), &recipient("", ""), rendered("", None, None)).unwrap();
    assert!(wire(&message).ends_with("Content-Transfer-Encoding: 7bit\r\n\r\n"));
}
