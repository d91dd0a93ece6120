//! What stands in address columns.

use super::{Case, case, check};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "plain.csv",
            "email\nJane.O'Neill+x@X.Example\n",
            &["1@2 Jane.O'Neill+x@x.example|Jane.O'Neill+x@X.Example||Jane.O'Neill+x@X.Example"],
        ),
        case(
            "named.csv",
            "email\n\"\"\"Berg, Anna\"\" <a@x.example>\"\nZoë 😀 <z@x.example>\n<b@x.example>\n",
            &[
                "1@2 a@x.example|a@x.example|Berg, Anna|\"Berg, Anna\" <a@x.example>",
                "2@3 z@x.example|z@x.example|Zoë 😀|Zoë 😀 <z@x.example>",
                "3@4 b@x.example|b@x.example||<b@x.example>",
            ],
        ),
        case(
            "idn.csv",
            "email\nz@münchen.example\nw@例え.example\n",
            &[
                "1@2 z@xn--mnchen-3ya.example|z@xn--mnchen-3ya.example||z@münchen.example",
                "2@3 w@xn--r8jz45g.example|w@xn--r8jz45g.example||w@例え.example",
            ],
        ),
        case(
            "literal.csv",
            "email\na@[192.0.2.1]\n",
            &["1@2 a@[192.0.2.1]|a@[192.0.2.1]||a@[192.0.2.1]"],
        ),
        case(
            "local.csv",
            "email\n\"\"\"a b\"\"@x.example\"\n",
            &["1@2 \"a b\"@x.example|\"a b\"@x.example||\"a b\"@x.example"],
        ),
        case(
            "dotless.csv",
            "email\nroot@localhost\n",
            &["1@2 root@localhost|root@localhost||root@localhost"],
        ),
        case(
            "dot.csv",
            "email\na@x.example.\n.a@x.example\na.@x.example\na@x..example\n",
            &[
                "1@2 invalid \"a@x.example.\" email: the domain ends with a dot; take it out",
                "2@3 invalid \".a@x.example\" email: a dot at the wrong place before the @; correct the address",
                "3@4 invalid \"a.@x.example\" email: a dot at the wrong place before the @; correct the address",
                "4@5 invalid \"a@x..example\" email: a dot at the wrong place in the domain; correct the address",
            ],
        ),
        case(
            "two.csv",
            "email\n\"a@x.example, b@x.example\"\na@x.example;b@x.example\na@x.example b@x.example\na@x.example/b@x.example\n",
            &[
                "1@2 invalid \"a@x.example, b@x.example\" email: more than one address in the cell; give each a row of its own",
                "2@3 invalid \"a@x.example;b@x.example\" email: more than one address in the cell; give each a row of its own",
                "3@4 invalid \"a@x.example b@x.example\" email: more than one address in the cell; give each a row of its own",
                "4@5 invalid \"a@x.example/b@x.example\" email: more than one address in the cell; give each a row of its own",
            ],
        ),
        case(
            "mailto.csv",
            "email\nmailto:a@x.example\nMAILTO:a@x.example\n",
            &[
                "1@2 invalid \"mailto:a@x.example\" email: \"mailto:\" belongs to links; leave it out",
                "2@3 invalid \"MAILTO:a@x.example\" email: \"mailto:\" belongs to links; leave it out",
            ],
        ),
        case(
            "comment.csv",
            "email\na@x.example (Anna)\n",
            &[
                "1@2 invalid \"a@x.example (Anna)\" email: a comment in parentheses is no part of an address; take it out",
            ],
        ),
        case(
            "none.csv",
            "email,n\nn/a,1\n,2\n-,3\nanna at x.example,4\n",
            &[
                "1@2 invalid \"n/a\" email: no @ in the address; correct it, as in jane@x.example",
                "2@3 invalid \"\" email: the address is empty; fill it in",
                "3@4 invalid \"-\" email: no @ in the address; correct it, as in jane@x.example",
                "4@5 invalid \"anna at x.example\" email: no @ in the address; correct it, as in jane@x.example",
            ],
        ),
        case(
            "injected.csv",
            "email\n\"a@x.example\r\nBcc: b@x.example\"\n\"a@x.example>\"\n",
            &[
                "1@2 invalid \"a@x.example\\r\\nBcc: b@x.example\" email: a control character (U+000D) in the address; delete it",
                "2@4 invalid \"a@x.example>\" email: a stray \">\" in the address; take it out",
            ],
        ),
        case(
            "slips.csv",
            "email\na@gmial.com\nb@gmail.con\nc@hotmial.com\nd@gmail.com\n",
            &[
                "1@2 a@gmial.com|a@gmial.com||a@gmial.com",
                "2@3 b@gmail.con|b@gmail.con||b@gmail.con",
                "3@4 c@hotmial.com|c@hotmial.com||c@hotmial.com",
                "4@5 d@gmail.com|d@gmail.com||d@gmail.com",
            ],
        ),
        case(
            "beyond.csv",
            "email\nzoë@x.example\n",
            &["1@2 zoë@x.example|zoë@x.example||zoë@x.example"],
        ),
    ]
}

#[test]
fn every_address() {
    check(cases());
}
