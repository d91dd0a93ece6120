//! Pages as texts.

use super::text_of;

fn text(html: &str) -> String {
    let mut out = "what was before".to_owned();
    text_of(html, &mut out);
    out
}

#[test]
fn paragraphs_links_lists_and_tables() {
    for (html, expected) in [
        ("", ""),
        ("Hello <b>you</b>, <i>there</i>!", "Hello you, there!\n"),
        (
            "<h1>One</h1>\n<p>Two\n  three</p><p>Four<br>five</p>",
            "One\n\nTwo three\n\nFour\nfive\n",
        ),
        ("<div>a</div><div>b</div>", "a\nb\n"),
        (
            "<p>1 &lt; 2 &amp;&amp; &#x27;x&#39; &nbsp;&euro;&unknown; &",
            "1 < 2 && 'x' €&unknown; &\n",
        ),
        ("a < b", "a < b\n"),
        (
            "<a href=\"https://a.example/x?a=1&amp;b=2\">Read on</a>.",
            "Read on <https://a.example/x?a=1&b=2>.\n",
        ),
        (
            "<a href='https://a.example/'>a.example</a> <a href='mailto:x@a.example'>x@a.example</a> <a href='#top'>up</a>",
            "a.example x@a.example up\n",
        ),
        (
            "<a href=https://a.example><img src=x alt='The logo'></a><img src=y alt=''>",
            "The logo <https://a.example>\n",
        ),
        (
            "<p>Bring:<ul><li>soup<li>bread<ol><li>old</li><li>new</li></ol></li></ul>Come!",
            "Bring:\n\n- soup\n- bread\n  1. old\n  2. new\n\nCome!\n",
        ),
        (
            "<table><tr><td>Tea</td><td>2</td><td>3.00</td></tr><tr><td>Sum</td><td></td><td>3.00</td></tr></table>",
            "Tea  2  3.00\nSum  3.00\n",
        ),
        (
            "<blockquote><p>One</p><p>Two</p></blockquote><p>Three",
            "> One\n\n> Two\n\nThree\n",
        ),
        ("<pre>a  b\nc</pre>d", "a b\nc\n\nd\n"),
        ("a<hr>b", "a\n\n----------\n\nb\n"),
    ] {
        assert_eq!(text(html), expected, "{html}");
    }
}

#[test]
fn what_nobody_sees_is_left_out() {
    let html = "<!DOCTYPE html><html><head><title>t</title><style>p{}</style></head><body>\
        <div style=\"max-height:0; DISPLAY : none\">pre<div>header</div>&#847;</div><p hidden>x</p>\
        <!--[if mso]><table><tr><td><![endif]-->seen<script>if (a<b) {}</script></body></html>";
    assert_eq!(text(html), "seen\n");
}

#[test]
fn long_lines_are_broken_between_words() {
    let page = format!("<ul><li>{}</ul>", "word ".repeat(30));
    let text = text(&page);
    assert!(text.lines().all(|line| line.len() <= 72), "{text}");
    assert!(
        text.lines().skip(1).all(|line| line.starts_with("  word")),
        "{text}"
    );
    let url = format!(
        "<p>a <a href=\"https://a.example/{}\">b</a>",
        "x".repeat(100)
    );
    assert!(self::text(&url).contains(&format!("\n<https://a.example/{}>", "x".repeat(100))));
}

#[test]
fn any_page_is_read_to_its_end() {
    for html in [
        "<",
        "</",
        "<a",
        "<a href",
        "<a href=",
        "<a href=\"",
        "</a>",
        "</ul></li></blockquote>",
        "<!--",
        "<!",
        "<head>",
        "<é>",
        "<p é=\"ü",
        "&",
        "&#x110000;",
        "&#xd800;",
        "<li>",
        "<a b=c/d/>",
    ] {
        text(html);
        text(&format!("é{html}é"));
    }
}
