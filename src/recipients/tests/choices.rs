//! Lists of which `where` chooses some rows.

use super::{Case, check, with};

const PLANS: &str = "email,plan,amount,First Name\na@x.example,pro,150,Anna\nb@x.example,free,20,Bert\nc,pro,abc,Cleo\nd,free,1,Dora\n";

pub(super) fn cases() -> Vec<Case> {
    vec![
        with(
            "plan.csv",
            PLANS,
            |it| it.only_where = Some("plan == 'pro'".into()),
            &[
                "1@2 a@x.example|a@x.example||a@x.example|pro|150|Anna",
                "3@4 invalid \"c\" email: no @ in the address; correct it, as in jane@x.example",
            ],
        ),
        with(
            "number.csv",
            PLANS,
            |it| it.only_where = Some("int(amount) >= 20".into()),
            &[
                "1@2 a@x.example|a@x.example||a@x.example|pro|150|Anna",
                "2@3 b@x.example|b@x.example||b@x.example|free|20|Bert",
                "3@4 invalid \"c\": \"where\" has no answer: Error executing function 'int': string parse error: invalid digit found in string; correct the cell, or ask for what it may hold",
            ],
        ),
        with(
            "space.csv",
            PLANS,
            |it| it.only_where = Some("row['First Name'] in ['Bert', 'Dora']".into()),
            &[
                "2@3 b@x.example|b@x.example||b@x.example|free|20|Bert",
                "4@5 invalid \"d\" email: no @ in the address; correct it, as in jane@x.example",
            ],
        ),
        with(
            "nobody.csv",
            PLANS,
            |it| it.only_where = Some("plan == 'gold'".into()),
            &[],
        ),
        with(
            "unknown.csv",
            PLANS,
            |it| it.only_where = Some("plna == 'pro'".into()),
            &[
                "error: unknown.csv, header (line 1): there is no column \"plna\", which \"where\" under [recipients] names; did you mean \"plan\"? the columns are \"email\", \"plan\", \"amount\", \"First Name\"",
            ],
        ),
        with(
            "noquestion.csv",
            PLANS,
            |it| it.only_where = Some("plan".into()),
            &[
                "error: noquestion.csv, row 1 (line 2): \"where\" under [recipients] gives a text, not true or false; write a comparison, such as plan == \"pro\"",
            ],
        ),
        with(
            "text.csv",
            PLANS,
            |it| it.only_where = Some("amount > 100".into()),
            &[
                "1@2 invalid \"a@x.example\": \"where\" has no answer: found no matching overload for '_>_' applied to '(string, int)'; cells are text: double(amount) > 100.0 compares one as a number",
                "2@3 invalid \"b@x.example\": \"where\" has no answer: found no matching overload for '_>_' applied to '(string, int)'; cells are text: double(amount) > 100.0 compares one as a number",
                "3@4 invalid \"c\": \"where\" has no answer: found no matching overload for '_>_' applied to '(string, int)'; cells are text: double(amount) > 100.0 compares one as a number",
                "4@5 invalid \"d\": \"where\" has no answer: found no matching overload for '_>_' applied to '(string, int)'; cells are text: double(amount) > 100.0 compares one as a number",
            ],
        ),
        with(
            "ragged.csv",
            "email,plan\na@x.example,pro,1\nb@x.example,free\n",
            |it| it.only_where = Some("plan == 'pro'".into()),
            &[
                "1@2 invalid \"a@x.example\": 3 fields, but the header has 2 columns; put quotes (\") around a field that holds a comma",
            ],
        ),
        with(
            "typed.jsonl",
            "{\"email\":\"a@x.example\",\"age\":30,\"tags\":[\"a\"]}\n{\"email\":\"b@x.example\",\"age\":10,\"tags\":[]}\n{\"email\":\"c@x.example\"}\n",
            |it| it.only_where = Some("age > 18 && 'a' in tags".into()),
            &[
                "1@1 a@x.example|a@x.example||a@x.example|30=30|[\"a\"]=[\"a\"]",
                "3@3 invalid \"c@x.example\": \"where\" has no answer: found no matching overload for '@in' applied to '(string, string)'; cells are text: double(amount) > 100.0 compares one as a number",
            ],
        ),
    ]
}

#[test]
fn every_choice() {
    check(cases());
}
