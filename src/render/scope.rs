//! Where a path in a template leads, as far as that is known before the rows are.
//!
//! Follows Handlebars' own way: a stack of contexts that `each`, `with` and partials push, on which `../` counts
//! down, and block parameters that are seen from everywhere inside.

use handlebars::{Path, PathSeg};
use serde_json::Value;

use super::context::{BY_SETTING, ROWS};
use super::helpers;

/// One context on the stack.
#[derive(Debug, Clone)]
pub(super) struct Frame<'a> {
    /// What names are looked up in; `None`: known only from row to row.
    pub(super) value: Option<&'a Value>,
    /// Block parameters, and what a partial is given by name; with its value where that is one of `rows`, whose names
    /// are known.
    pub(super) names: Vec<(&'a str, Option<&'a Value>)>,
    /// Whether it has `@index` and the like.
    pub(super) each: bool,
}

/// Where a path begins, and the names that it goes along.
type Beginning<'a, 'p> = (Option<&'a Value>, Vec<&'p str>);

/// The stack; the first is the row itself.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    pub(super) frames: Vec<Frame<'a>>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(root: &'a Value) -> Scope<'a> {
        Scope {
            frames: vec![Frame {
                value: Some(root),
                names: Vec::new(),
                each: false,
            }],
        }
    }

    /// The value that names are looked up in now.
    pub(super) fn current(&self) -> Option<&'a Value> {
        self.frames.last().and_then(|frame| frame.value)
    }

    fn root(&self) -> Option<&'a Value> {
        self.frames.first().and_then(|frame| frame.value)
    }

    /// Every name that a path may begin with here.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let given = self
            .frames
            .iter()
            .flat_map(|frame| frame.names.iter().map(|(name, _)| *name));
        given.chain(keys(self.current()))
    }

    /// The sample value the path leads to; `None` where only the row knows; an error says what is wrong.
    pub(super) fn resolve(&self, path: &Path) -> Result<Option<&'a Value>, String> {
        let segments = match path {
            Path::Local((_, name, raw)) => return self.local(name, raw).map(|()| None),
            Path::Relative((segments, _)) => segments,
        };
        let Some((start, names)) = self.begin(segments)? else {
            return Ok(None);
        };
        self.descend(start, &names, self.is_row(start))
    }

    /// The entry of the row that a path begins with, when it begins in the row, or in one of `rows`: then it is true.
    pub(super) fn of_row<'p>(&self, path: &'p Path) -> Option<(&'p str, bool)> {
        let Path::Relative((segments, _)) = path else {
            return None;
        };
        let (start, names) = self.begin(segments).ok().flatten()?;
        match names[..] {
            [ROWS, _, name, ..] if self.is_row(start) && self.one_of_rows().is_some() => {
                Some((name, true))
            }
            [name, ..] if self.is_row(start) => Some((name, false)),
            [name, ..] if self.known(start).is_some() => Some((name, true)),
            _ => None,
        }
    }

    /// Whether a path of the row goes on to an entry of what it names first.
    pub(super) fn goes_further(&self, path: &Path) -> bool {
        let Path::Relative((segments, _)) = path else {
            return false;
        };
        let begun = self.begin(segments).ok().flatten();
        begun.is_some_and(|(_, names)| names.len() > 1)
    }

    /// What each of `rows` looks like, where there is `rows`.
    fn one_of_rows(&self) -> Option<&'a Value> {
        self.root()?.get(ROWS)?.as_array()?.first()
    }

    /// Whether a value is `rows`.
    pub(super) fn is_rows(&self, value: &Value) -> bool {
        let first = value.as_array().and_then(|rows| rows.first());
        let both = first.zip(self.one_of_rows());
        both.is_some_and(|(a, b)| std::ptr::eq(a, b))
    }

    /// What an `each` over this value gives, one by one.
    pub(super) fn each_of(&self, value: &'a Value) -> Option<&'a Value> {
        self.one_of_rows().filter(|_| self.is_rows(value))
    }

    /// The value, when it is one of `rows`.
    pub(super) fn known(&self, value: Option<&'a Value>) -> Option<&'a Value> {
        let row = self.one_of_rows()?;
        value.filter(|value| std::ptr::eq(*value, row))
    }

    fn is_row(&self, value: Option<&Value>) -> bool {
        let both = value.zip(self.root());
        both.is_some_and(|(a, b)| std::ptr::eq(a, b))
    }

    /// The names in the value, when it is the row, or one of `rows`.
    pub(super) fn names_of_row(&self, value: Option<&'a Value>) -> impl Iterator<Item = &'a str> {
        let row = value.filter(|_| self.is_row(value) || self.known(value).is_some());
        keys(row)
    }

    /// What a path's names are looked up in, and these names; `None` when the first of them was given here.
    fn begin<'p>(&self, segments: &'p [PathSeg]) -> Result<Option<Beginning<'a, 'p>>, String> {
        let (mut up, mut from_root, mut names) = (0, false, Vec::new());
        for segment in segments {
            match segment {
                PathSeg::Named(name) => names.push(name.as_str()),
                // The rule's type is private to handlebars, its name is not.
                PathSeg::Ruled(rule) => match format!("{rule:?}").as_str() {
                    "path_up" => up += 1,
                    "path_root" => from_root = true,
                    _ => {}
                },
                _ => {}
            }
        }
        let given = |wanted: &&str| {
            let frames = self.frames.iter().rev();
            let mut names = frames.flat_map(|frame| &frame.names);
            names.find(|(name, _)| name == wanted)
        };
        if !from_root && let Some((_, value)) = names.first().and_then(given) {
            names.remove(0);
            return Ok(value.map(|value| (Some(value), names)));
        }
        let start = if from_root {
            self.root()
        } else {
            // Handlebars would silently stay where it is.
            let depth = self.frames.len().checked_sub(1 + up);
            let frame = depth.and_then(|depth| self.frames.get(depth));
            frame
                .ok_or("../ leads out of the template; there is nothing above the row")?
                .value
        };
        Ok(Some((start, names)))
    }

    fn local(&self, name: &str, raw: &str) -> Result<(), String> {
        if !matches!(name, "index" | "first" | "last" | "key") {
            return Err(format!(
                "there is no {raw:?}; what each gives is @index, @first, @last and @key"
            ));
        }
        if self.frames.iter().any(|frame| frame.each) {
            return Ok(());
        }
        Err(format!("{raw:?} has a value only inside {{{{#each …}}}}"))
    }

    fn descend(
        &self,
        start: Option<&'a Value>,
        names: &[&str],
        is_row: bool,
    ) -> Result<Option<&'a Value>, String> {
        let Some(mut value) = start else {
            return Ok(None);
        };
        for (index, name) in names.iter().enumerate() {
            let next = match value {
                Value::Object(map) => map.get(*name),
                // As many as the group has.
                Value::Array(list) if self.is_rows(value) => {
                    list.first().filter(|_| name.parse::<usize>().is_ok())
                }
                Value::Array(list) => name.parse().ok().and_then(|index: usize| list.get(index)),
                _ => None,
            };
            value = match next {
                Some(next) => next,
                None if value.is_null() => return Ok(None),
                None if index == 0 && is_row => return Err(self.unknown(name, value)),
                None => {
                    let parent = names[..index].join(".");
                    let parent = if parent.is_empty() {
                        "here".to_owned()
                    } else {
                        format!("in {parent:?}")
                    };
                    let hint = self
                        .elsewhere(name, index)
                        .unwrap_or_else(|| did_you_mean(name, keys(Some(value))));
                    return Err(format!("there is no {name:?} {parent}{hint}"));
                }
            };
        }
        Ok(Some(value))
    }

    /// Inside `with`, the row's own names need a way out.
    fn elsewhere(&self, name: &str, index: usize) -> Option<String> {
        let known = |value| keys(value).any(|key| key == name);
        let way = match self.root() {
            _ if index > 0 => return None,
            root if known(root) => "@root.",
            root if known(vars(root)) => "@root.vars.",
            _ => return None,
        };
        let path = format!("{way}{}", spelled(name));
        Some(format!("; did you mean {path:?}?"))
    }

    fn unknown(&self, name: &str, row: &Value) -> String {
        let vars = || keys(vars(Some(row)));
        if vars().any(|key| key == name) {
            return format!(
                "no column or variable {name:?}; what stands in [vars] is named with it: write {{{{vars.{}}}}}",
                spelled(name)
            );
        }
        if let Some((_, setting)) = BY_SETTING.iter().find(|(later, _)| *later == name) {
            return format!(
                "there is no {name:?} here; for one in every other template, {setting}"
            );
        }
        if name == ROWS {
            return format!(
                "no column or variable {name:?}; it is there with group_by in [recipients]"
            );
        }
        if let Some(helper) = helpers::signature(name) {
            return format!(
                "no column or variable {name:?}; the helper of that name is called with a value, as in {}",
                helper.example
            );
        }
        let near = match nearest(name, keys(Some(row))) {
            Some(near) => Some(spelled(near)),
            None => nearest(name, vars()).map(|near| format!("vars.{}", spelled(near))),
        };
        let hint = near.map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
        format!("no column or variable {name:?}{hint}")
    }
}

/// What `[vars]` has.
fn vars(row: Option<&Value>) -> Option<&Value> {
    row?.get("vars")
}

fn keys(value: Option<&Value>) -> impl Iterator<Item = &str> {
    value
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|map| map.keys().map(String::as_str))
}

/// `; did you mean "first_name"?`, or nothing.
pub(super) fn did_you_mean<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> String {
    nearest(name, known).map_or_else(String::new, |near| {
        format!("; did you mean {:?}?", spelled(near))
    })
}

/// The known name that was most likely meant: a slip of a letter in three, or another case.
pub(super) fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let plain = |name: &str| name.to_lowercase().replace([' ', '-', '_'], "");
    let wanted = plain(name);
    let farthest = (wanted.chars().count() / 3).max(1);
    known
        .map(|near| (strsim::damerau_levenshtein(&wanted, &plain(near)), near))
        .filter(|(distance, near)| *distance <= farthest && *distance < near.chars().count())
        .min_by_key(|(distance, near)| {
            (
                *distance,
                strsim::damerau_levenshtein(&name.to_lowercase(), &near.to_lowercase()),
            )
        })
        .map(|(_, near)| near)
}

/// The name as a template has to write it.
pub(super) fn spelled(name: &str) -> String {
    let simple = name
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '$' | ':') || c > '\u{7f}');
    if simple {
        name.to_owned()
    } else {
        format!("[{name}]")
    }
}
