//! JSON lines.

use super::{Case, case, check, gzip, with};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "plain.jsonl",
            "{\"email\":\"a@x.example\",\"name\":\"Anna\"}\n{\"email\":\"b@x.example\",\"name\":\"Bert\"}",
            &[
                "1@1 a@x.example|a@x.example||a@x.example|Anna",
                "2@2 b@x.example|b@x.example||b@x.example|Bert",
            ],
        ),
        case(
            "types.jsonl",
            r#"{"email":"a@x.example","n":5,"f":1.50,"big":12345678901234567890123,"yes":true,"no":false,"none":null,"list":[1,"x"],"object":{"city":"Köln"}}"#,
            &[
                "1@1 a@x.example|a@x.example||a@x.example|5=5|1.50|12345678901234567890123|true=true|false=false||[1,\"x\"]=[1,\"x\"]|{\"city\":\"Köln\"}={\"city\":\"Köln\"}",
            ],
        ),
        case(
            "union.jsonl",
            "{\"email\":\"a@x.example\"}\n\n{\"name\":\"Bert\",\"email\":\"b@x.example\"}\n{\"plan\":1}\n",
            &[
                "1@1 a@x.example|a@x.example||a@x.example||",
                "2@3 b@x.example|b@x.example||b@x.example|Bert|",
                "3@4 invalid \"\" email: the address is empty; fill it in",
            ],
        ),
        case(
            "results.jsonl",
            r#"{"key":"a","row":7,"address":"","state":"invalid","attempts":0,"message_id":null,"fields":{"email":"a@x.example","n":1.5,"items":[{"x":1}]}}
{"key":"b","row":8,"address":"","state":"accepted","attempts":1,"message_id":"b@x","fields":{"email":"b@x.example"},"rows":[{"email":"b@x.example"},{"email":"c@x.example","items":{}}]}
{"email":"d@x.example","fields":{"email":"e@x.example"}}
"#,
            &[
                "1@1 a@x.example|a@x.example||a@x.example|1.5=1.5|[{\"x\":1}]=[{\"x\":1}]|",
                "2@2 b@x.example|b@x.example||b@x.example|||",
                "3@2 c@x.example|c@x.example||c@x.example||{}={}|",
                "4@3 d@x.example|d@x.example||d@x.example|||{\"email\":\"e@x.example\"}={\"email\":\"e@x.example\"}",
            ],
        ),
        case(
            "own_fields.jsonl",
            r#"{"email":"a@x.example","key":"k","row":1,"state":"Bonn","fields":{"email":"b@x.example"},"rows":[]}"#,
            &[
                "1@1 a@x.example|a@x.example||a@x.example|k|1=1|Bonn|{\"email\":\"b@x.example\"}={\"email\":\"b@x.example\"}|[]=[]",
            ],
        ),
        case(
            "own_message_id.jsonl",
            r#"{"email":"a@x.example","message_id":"m","fields":{"email":"b@x.example"}}"#,
            &[
                "error: own_message_id.jsonl, names of the objects: column 2 is named \"message_id\", which is a value of mailrun's own in every template; rename the column",
            ],
        ),
        // "fields" alone was corrected; left out; written otherwise; has more.
        case(
            "corrected.jsonl",
            [
                r#""fields":{"email":"a@x.example","n":2},"rows":[{"email":"a@x.example","n":1},{"email":"b@x.example","n":1}]"#,
                r#""rows":[{"email":"c@x.example","n":3}]"#,
                r#""fields":{"email":"\u0064@x.example","n":[ 1 ],"m":null},"rows":[{"n":[1],"email":"d@x.example"}]"#,
                r#""fields":{"email":"e@x.example","more":1},"rows":[{"email":"e@x.example"}]"#,
            ]
            .map(|rest| {
                let beside = r#""key":"k","row":1,"address":"","state":"","attempts":0,"message_id":null"#;
                format!("{{{beside},{rest}}}\n")
            })
            .concat(),
            &[
                "1@1 invalid \"a@x.example\" n: \"fields\" has another value here than the first of \"rows\"; correct it in both, or leave \"fields\" out",
                "2@1 b@x.example|b@x.example||b@x.example|1=1|",
                "3@2 c@x.example|c@x.example||c@x.example|3=3|",
                "4@3 d@x.example|d@x.example||d@x.example|[1]=[1]|",
                "5@4 invalid \"e@x.example\" more: \"fields\" has another value here than the first of \"rows\"; correct it in both, or leave \"fields\" out",
            ],
        ),
        case(
            "resultless.jsonl",
            r#"{"key":"a","row":1,"address":"","state":"invalid","attempts":0,"message_id":null,"fields":{"email":"a@x.example"},"rows":[5]}"#,
            &[
                "error: resultless.jsonl:1:1: this line is no JSON object: in \"rows\": invalid type: integer `5`, expected an object; write one object a line, such as {\"email\": \"jane@x.example\"}",
            ],
        ),
        case(
            "trimmed.jsonl",
            "{\" email \":\" a@x.example \"}\r\n",
            &["1@1 a@x.example|a@x.example|| a@x.example "],
        ),
        case(
            "escapes.jsonl",
            r#"{"email":"a@x.example","name":"Zo\u00eb \ud83d\ude00 \"Z\"\n"}"#,
            &["1@1 a@x.example|a@x.example||a@x.example|Zoë 😀 \"Z\"\n"],
        ),
        case(
            "marked.jsonl",
            "\u{feff}{\"email\":\"a@x.example\"}",
            &["1@1 a@x.example|a@x.example||a@x.example"],
        ),
        case(
            "array.jsonl",
            "{\"email\":\"a@x.example\"}\n[1,2]\n",
            &[
                "error: array.jsonl:2:1: this line is no JSON object: it is a list; write one object a line, such as {\"email\": \"jane@x.example\"}",
            ],
        ),
        case(
            "broken.jsonl",
            "{\"email\":\"a@x.example\"}\n{\"email\":\"b@x.example\"\n",
            &[
                "error: broken.jsonl:2:22: this line is no JSON object: EOF while parsing an object; write one object a line, such as {\"email\": \"jane@x.example\"}",
            ],
        ),
        case(
            "behind.jsonl",
            "{\"email\":\"a@x.example\"} {\"email\":\"b@x.example\"}\n",
            &[
                "error: behind.jsonl:1:25: this line is no JSON object: trailing characters; write one object a line, such as {\"email\": \"jane@x.example\"}",
            ],
        ),
        case(
            "pretty.jsonl",
            "{\n  \"email\": \"a@x.example\"\n}\n",
            &[
                "error: pretty.jsonl:1:1: this line is no JSON object: EOF while parsing an object; write one object a line, such as {\"email\": \"jane@x.example\"}",
            ],
        ),
        case(
            "twice.jsonl",
            "{\"email\":\"a@x.example\",\"email\":\"b@x.example\"}\n",
            &[
                "error: twice.jsonl:1:45: this line is no JSON object: the name \"email\" twice; write one object a line, such as {\"email\": \"jane@x.example\"}",
            ],
        ),
        case(
            "empty.jsonl",
            "\n\n",
            &[
                "error: empty.jsonl: the list is empty; each line must be an object, such as {\"email\": \"jane@x.example\"}",
            ],
        ),
        case(
            "nokeys.jsonl",
            "{}\n{}\n",
            &[
                "error: nokeys.jsonl: the list is empty; each line must be an object, such as {\"email\": \"jane@x.example\"}",
            ],
        ),
        case(
            "missing.jsonl",
            "{\"mail\":\"a@x.example\"}\n",
            &[
                "error: missing.jsonl, names of the objects: there is no column \"email\", which \"address\" under [recipients] names; did you mean \"mail\"? the columns are \"mail\"",
            ],
        ),
        case(
            "builtin.jsonl",
            "{\"email\":\"a@x.example\",\"vars\":1}\n",
            &[
                "error: builtin.jsonl, names of the objects: column 2 is named \"vars\", which is a value of mailrun's own in every template; rename the column",
            ],
        ),
        case(
            "surrogate.jsonl",
            r#"{"email":"a@x.example","name":"\ud800"}"#,
            &[
                "error: surrogate.jsonl:1:1: this line is no JSON object: the value of \"name\": unexpected end of hex escape; write one object a line, such as {\"email\": \"jane@x.example\"}",
            ],
        ),
        case(
            "number.jsonl",
            "{\"email\":5}\n",
            &["1@1 invalid \"5\" email: no @ in the address; correct it, as in jane@x.example"],
        ),
        case(
            "misfit.jsonl",
            [
                &"{\"email\":\"a@x.example\",\"name\":\"王伟李娜\"}\n"
                    .repeat(3)
                    .into_bytes()[..],
                b"{\"email\":\"b@x.example\",\"name\":\"\xff\"}\n",
            ]
            .concat(),
            &[
                "error: misfit.jsonl, line 4: the byte at offset 169 of the file is not UTF-8; save the list as UTF-8 (spreadsheets call it \"CSV UTF-8\"), or set encoding = \"...\" under [recipients]",
            ],
        ),
        case(
            "wide.jsonl",
            [
                b"\xff\xfe".to_vec(),
                "{\"email\":\"a@x.example\",\"name\":\"王伟\"}\n"
                    .encode_utf16()
                    .flat_map(u16::to_le_bytes)
                    .collect(),
            ]
            .concat(),
            &["1@1 a@x.example|a@x.example||a@x.example|王伟"],
        ),
        case(
            "list.jsonl.gz",
            gzip("{\"email\":\"a@x.example\"}\n"),
            &["1@1 a@x.example|a@x.example||a@x.example"],
        ),
        with(
            "required.jsonl",
            "{\"email\":\"a@x.example\",\"n\":null}\n{\"email\":\"b@x.example\",\"n\":0}\n{\"email\":\"c@x.example\"}\n",
            |it| it.required = vec!["n".into()],
            &[
                "1@1 invalid \"a@x.example\" n: the cell is empty, and the column is required; fill it in",
                "2@2 b@x.example|b@x.example||b@x.example|0=0",
                "3@3 invalid \"c@x.example\" n: the cell is empty, and the column is required; fill it in",
            ],
        ),
        case(
            "values.jsonl",
            format!(
                "{{\"email\":\"a@x.example\",\"x\":[{}0]}}\n{{\"email\":\"b@x.example\"}}\n",
                "0,".repeat(200_000)
            ),
            &[
                "1@1 invalid \"a@x.example\" x: more than 200000 values, too much for one message",
                "2@2 b@x.example|b@x.example||b@x.example|",
            ],
        ),
        case(
            "deep.jsonl",
            [
                ("a", "[", 500),
                ("b", "[", 128),
                ("c", "{\"[\\\"\":", 128),
                ("d", "[", 1),
            ]
            .map(|(name, open, times)| {
                let close = if open == "[" { "]" } else { "}" };
                let (open, close) = (open.repeat(times), close.repeat(times));
                format!("{{\"email\":\"{name}@x.example\",\"x\":{open}1{close}}}\n")
            })
            .concat(),
            &[
                "1@1 invalid \"a@x.example\" x: more than 127 lists and objects in each other; make it flatter, or leave it out",
                "2@2 invalid \"b@x.example\" x: more than 127 lists and objects in each other; make it flatter, or leave it out",
                "3@3 invalid \"c@x.example\" x: more than 127 lists and objects in each other; make it flatter, or leave it out",
                "4@4 d@x.example|d@x.example||d@x.example|[1]=[1]",
            ],
        ),
        case(
            "deepest.jsonl",
            format!(
                "{{\"x\":{}1{},\"email\":\"a@x.example\"}}\n",
                "[".repeat(127),
                "]".repeat(127)
            ),
            vec![&*String::leak(format!(
                "1@1 a@x.example|a@x.example||{0}={0}|a@x.example",
                "[".repeat(127) + "1" + &"]".repeat(127)
            ))]
            .leak(),
        ),
        case(
            "deep_and_torn.jsonl",
            format!(
                "{{\"email\":\"a@x.example\",\"x\":{}1{}}}\n",
                "[".repeat(128),
                "]".repeat(127)
            ),
            &[
                "error: deep_and_torn.jsonl:1:284: this line is no JSON object: expected `,` or `]`; write one object a line, such as {\"email\": \"jane@x.example\"}",
            ],
        ),
        case(
            "deep_results.jsonl",
            format!(
                "{{\"key\":0,\"row\":1,\"address\":0,\"state\":0,\"attempts\":0,\"message_id\":null,\"fields\":{{\"email\":\"a@x.example\",\"x\":{}1{}}}}}\n",
                "[".repeat(128),
                "]".repeat(128)
            ),
            &[
                "1@1 invalid \"a@x.example\" x: more than 127 lists and objects in each other; make it flatter, or leave it out",
            ],
        ),
    ]
}

#[test]
fn every_kind_of_json() {
    check(cases());
}
