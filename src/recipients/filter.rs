//! `where`: which rows are meant, by an expression of CEL (the Common Expression Language).
//!
//! Each column is a variable, and `row["First Name"]` is the cell of one whose name is none. Cells are text; those of JSON
//! lines are what they are there.

mod depth;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::thread;

use cel::common::ast::{EntryExpr, Expr, IdedExpr};
use cel::objects::Value;
use cel::{Context, ExecutionError, Program};
use serde_json::Value as Json;

use super::records::Record;
use crate::wording::printable;

/// The variable that has every column.
const ROW: &str = "row";
/// The parser's stack: it takes some 100 KB for a bracket, and a thread has 2 MiB in all.
const STACK: usize = 64 << 20;
/// Characters shown of what the evaluation says.
const SHOWN: usize = 200;

/// A filter, compiled, its columns found.
pub(super) struct Filter {
    program: Program,
    context: Context<'static, 'static>,
    /// Variables that the expression has, with their 0-based columns.
    bound: Vec<(String, usize)>,
    /// The names of all columns, when it has `row`.
    row: Option<Arc<[String]>>,
}

/// Why a row is neither chosen nor left out.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Undecided {
    /// This row gives no answer: why, and what to do.
    Row(String),
    /// The expression is no question: what it gives.
    Never(&'static str),
}

/// Compiles the expression, to see whether it is one.
///
/// # Errors
/// What is wrong, with the 1-based line and column in the expression.
pub fn check_where(source: &str) -> Result<(), String> {
    compile(source).map(drop)
}

/// The columns that the expression asks for; all of them, where it asks by `row`.
pub fn columns_of_where(source: &str, columns: &Arc<[String]>) -> Vec<String> {
    match Filter::new(source, columns) {
        Ok(Filter { row: Some(all), .. }) => all.to_vec(),
        Ok(Filter { bound, .. }) => bound.into_iter().map(|(name, _)| name).collect(),
        // The list is not opened with such a one.
        Err(_) => Vec::new(),
    }
}

fn compile(source: &str) -> Result<Program, String> {
    depth::check(source).map_err(|(at, problem)| {
        let before = &source[..at];
        let line = before.rsplit('\n').next().unwrap_or_default();
        let (lines, column) = (before.matches('\n').count() + 1, line.chars().count() + 1);
        format!("line {lines}, column {column}: {problem}")
    })?;
    let compiled = thread::scope(|scope| {
        let parser = thread::Builder::new().stack_size(STACK);
        let parser = parser.spawn_scoped(scope, || Program::compile(source));
        parser.ok()?.join().ok()
    });
    let compiled = compiled.ok_or_else(|| {
        "line 1, column 1: it cannot be read: there is no memory for a thread, or its parser gave up on it".to_owned()
    })?;
    compiled.map_err(|errors| {
        let Some(first) = errors.errors.first() else {
            return "it is no expression".to_owned();
        };
        let (line, column) = first.pos;
        printable(&format!(
            "line {line}, column {column}: {}",
            plain(&first.msg)
        ))
    })
}

/// What the parser says, without its own words.
fn plain(message: &str) -> String {
    if message.contains("OtherError") {
        return "nested too deeply".to_owned();
    }
    // What could stand there is nearly everything; what follows the first line repeats it.
    let what = message.lines().next().unwrap_or_default();
    let what = what.split(" expecting ").next().unwrap_or_default();
    if what.contains("'<EOF>'") {
        return "the expression breaks off".to_owned();
    }
    what.strip_prefix("Syntax error: ")
        .unwrap_or(what)
        .to_owned()
}

impl Filter {
    /// Compiles the expression and finds its columns.
    ///
    /// # Errors
    /// The name of a variable that is no column; a syntax error under an empty name cannot be, the settings were checked.
    pub fn new(source: &str, columns: &Arc<[String]>) -> Result<Filter, String> {
        let program = compile(source).map_err(|_| String::new())?;
        let mut own = BTreeSet::new();
        collect_own(program.expression(), &mut own);
        let references = program.references();
        let mut used = references.variables();
        used.sort_unstable();
        let (mut bound, mut row) = (Vec::new(), None);
        for name in used {
            match columns.iter().position(|column| column == name) {
                Some(column) => bound.push((name.to_owned(), column)),
                None if name == ROW => row = Some(Arc::clone(columns)),
                None if own.contains(name) => {}
                None => return Err(name.to_owned()),
            }
        }
        Ok(Filter {
            context: Context::default(),
            program,
            bound,
            row,
        })
    }

    /// Whether the row is meant.
    pub fn chooses(&self, record: &Record) -> Result<bool, Undecided> {
        let mut scope = self.context.new_inner_scope();
        for (name, column) in &self.bound {
            scope.add_variable_from_value(name.as_str(), cell(record, *column));
        }
        if let Some(names) = &self.row {
            let cells = names.iter().enumerate();
            let cells = cells.map(|(column, name)| (name.clone(), cell(record, column)));
            scope.add_variable_from_value(ROW, cells.collect::<HashMap<_, _>>());
        }
        match self.program.execute(&scope) {
            Ok(Value::Bool(chosen)) => Ok(chosen),
            Ok(other) => Err(Undecided::Never(kind(&other))),
            Err(error) => Err(Undecided::Row(explain(&error))),
        }
    }
}

fn explain(error: &ExecutionError) -> String {
    let text: String = error.to_string().chars().take(SHOWN).collect();
    let hint = match error {
        ExecutionError::NoSuchOverload(_) | ExecutionError::ValuesNotComparable(..) => {
            "; cells are text: double(amount) > 100.0 compares one as a number"
        }
        _ => "; correct the cell, or ask for what it may hold",
    };
    format!("\"where\" has no answer: {}{hint}", printable(&text))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Int(_) | Value::UInt(_) | Value::Float(_) => "a number",
        Value::List(_) => "a list",
        Value::Map(_) => "a map",
        _ => "something else",
    }
}

fn cell(record: &Record, column: usize) -> Value {
    let nested = record.nested.iter().find(|(place, _)| *place == column);
    match nested {
        Some((_, value)) => from_json(value),
        None => Value::from(record.fields.get(column).unwrap_or_default()),
    }
}

fn from_json(value: &Json) -> Value {
    match value {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Bool(*truth),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::Int(whole),
            (None, double) => Value::Float(double.unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => Value::from(items.iter().map(from_json).collect::<Vec<_>>()),
        Json::Object(entries) => {
            let entries = entries
                .iter()
                .map(|(name, value)| (name.clone(), from_json(value)));
            Value::from(entries.collect::<HashMap<_, _>>())
        }
    }
}

/// The names that the expression gives to items of its own lists: `x` in `tags.exists(x, x == "a")`.
fn collect_own<'a>(expression: &'a IdedExpr, own: &mut BTreeSet<&'a str>) {
    let mut inside = |it| collect_own(it, own);
    match &expression.expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => {}
        Expr::Call(call) => call
            .target
            .as_deref()
            .into_iter()
            .chain(&call.args)
            .for_each(inside),
        Expr::List(list) => list.elements.iter().for_each(inside),
        Expr::Select(select) => inside(&select.operand),
        Expr::Map(map) => map.entries.iter().for_each(|it| entry(&it.expr, own)),
        Expr::Struct(made) => made.entries.iter().for_each(|it| entry(&it.expr, own)),
        Expr::Comprehension(it) => {
            [
                &it.iter_range,
                &it.accu_init,
                &it.loop_cond,
                &it.loop_step,
                &it.result,
            ]
            .into_iter()
            .for_each(inside);
            own.insert(&it.iter_var);
            own.extend(it.iter_var2.as_deref());
        }
    }
}

fn entry<'a>(entry: &'a EntryExpr, own: &mut BTreeSet<&'a str>) {
    match entry {
        EntryExpr::StructField(field) => collect_own(&field.value, own),
        EntryExpr::MapEntry(entry) => {
            collect_own(&entry.key, own);
            collect_own(&entry.value, own);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn columns() -> Arc<[String]> {
        ["plan", "amount", "First Name", "tags"]
            .map(str::to_owned)
            .into()
    }

    fn ask(source: &str) -> Result<bool, Undecided> {
        let record = Record {
            line: 2,
            count: 4,
            fields: vec!["pro", "150", "Anna", "[\"a\",\"b\"]"].into(),
            nested: vec![(3, json!(["a", "b"]))],
            wrong: None,
            undecided: None,
        };
        Filter::new(source, &columns()).unwrap().chooses(&record)
    }

    #[test]
    fn rows_are_chosen() {
        for (source, chosen) in [
            ("plan == \"pro\"", true),
            ("plan == 'free' || int(amount) > 100", true),
            ("double(amount) < 100.0", false),
            ("plan in ['free', 'basic']", false),
            ("row[\"First Name\"].startsWith('An')", true),
            ("tags.exists(tag, tag == 'b')", true),
            ("'c' in tags", false),
            ("size(tags) == 2 && size(plan) == 3", true),
            ("true", true),
        ] {
            assert_eq!(ask(source), Ok(chosen), "{source}");
        }
    }

    #[test]
    fn what_is_no_answer_is_told() {
        assert_eq!(ask("plan"), Err(Undecided::Never("a text")));
        assert_eq!(ask("1 + 1"), Err(Undecided::Never("a number")));
        let Err(Undecided::Row(text)) = ask("amount > 100") else {
            panic!("a text is no number");
        };
        assert!(
            text.ends_with("; cells are text: double(amount) > 100.0 compares one as a number"),
            "{text}"
        );
        let Err(Undecided::Row(text)) = ask("int(plan) > 1") else {
            panic!("this text is no number");
        };
        assert!(text.starts_with("\"where\" has no answer: "), "{text}");
    }

    #[test]
    fn unknown_names_are_found() {
        let unknown = |source| Filter::new(source, &columns()).err();
        assert_eq!(unknown("plna == 'pro'").as_deref(), Some("plna"));
        assert_eq!(unknown("tags.all(t, t != other)").as_deref(), Some("other"));
        assert_eq!(unknown("[1].map(x, {'a': x}) == []"), None);
    }

    #[test]
    fn what_nests_too_deep_is_refused_before_it_uses_up_the_stack() {
        for (nested, column) in [
            ("(".repeat(20_000) + "true" + &")".repeat(20_000), 41),
            ("true == ".to_owned() + &"[".repeat(20_000), 48),
            ("row".to_owned() + &".a".repeat(20_000), 84),
            ("1".to_owned() + &" + 1".repeat(20_000), 163),
        ] {
            let error = check_where(&nested).unwrap_err();
            let place = format!("line 1, column {column}: more than ");
            assert!(error.starts_with(&place), "{error}");
        }
        // As deep as it may be, on the stack of an ordinary thread.
        for most in [
            "(".repeat(40) + "true" + &")".repeat(40),
            "[1].all(x, ".repeat(13) + "true" + &")".repeat(13),
            "true ? true : ".repeat(40) + "true",
            "size(".to_owned() + &"[".repeat(39) + &"]".repeat(39) + ") == 1",
            "1".to_owned() + &" + 1".repeat(39) + " == 40",
            "plan == 'free' || ".repeat(2000) + "plan == 'pro'",
        ] {
            assert_eq!(ask(&most), Ok(true), "{most}");
        }
    }

    #[test]
    fn wrong_syntax_is_told_with_its_place() {
        for source in [
            "plan == ",
            "",
            "plan = 'pro'",
            "((((",
            "'open",
            "plan == \"a\" &&\n& true",
            "\0",
            "a.b.(",
            "{",
            "1..2",
            "王 == 1",
            "x ? : y",
        ] {
            let error = check_where(source).unwrap_err();
            assert!(error.starts_with("line "), "{source:?}: {error}");
        }
    }
}
