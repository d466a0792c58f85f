//! What is printed on standard output: tables for people, JSON and CSV for programs. Nothing that came from
//! outside can steer the terminal.

use crate::args::Format;
use crate::failure::{Failure, Result};
use serde_json::Value;
use std::borrow::Cow;
use std::io::{self, Write};

/// A column: its title, and where its value is in a row, as a JSON pointer.
pub(crate) type Column = (&'static str, &'static str);

/// Prints a line.
pub(crate) fn line(text: &str) -> Result {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

/// Fails where nothing can be printed because standard output is closed: before a secret is made that nobody would see.
pub(crate) fn open() -> Result {
    match is_closed() {
        true => Err(Failure::Usage(
            "Standard output is closed, and what is printed once would be lost. Nothing was changed.".into(),
        )),
        false => Ok(()),
    }
}

/// The runtime puts /dev/null in the place of a closed output, open both ways; who sends the output there themselves
/// opens it to write alone.
#[cfg(target_os = "linux")]
fn is_closed() -> bool {
    const BOTH_WAYS: u32 = 2;
    let null = std::fs::read_link("/proc/self/fd/1").is_ok_and(|path| path.as_os_str() == "/dev/null");
    let about = std::fs::read_to_string("/proc/self/fdinfo/1").unwrap_or_default();
    let flags =
        about.lines().find_map(|line| u32::from_str_radix(line.strip_prefix("flags:")?.trim(), 8).ok());
    null && flags.is_some_and(|flags| flags & 3 == BOTH_WAYS)
}

#[cfg(not(target_os = "linux"))]
fn is_closed() -> bool {
    false
}

/// What became of printing a secret that nobody can see again: where it was not printed, `lost` says what is there now
/// and what to do about it.
pub(crate) fn once(printed: Result, lost: &str) -> Result {
    printed.map_err(|failure| match failure.to_string() {
        why if why.is_empty() => Failure::Error(lost.to_owned()),
        why => Failure::Error(format!("{lost} ({why})")),
    })
}

/// Prints rows, each an object as the API answers it, in the form that was asked for.
pub(crate) fn rows(format: Format, columns: &[Column], rows: &[Value]) -> Result {
    match format {
        Format::Json => json(&Value::from(rows)),
        Format::Csv => {
            line(
                &columns.iter().map(|column| column.1.trim_start_matches('/')).collect::<Vec<_>>().join(","),
            )?;
            rows.iter().try_for_each(|row| line(&cells(columns, row).map(csv).collect::<Vec<_>>().join(",")))
        }
        Format::Table if rows.is_empty() => line("There is none."),
        Format::Table => {
            let mut table = comfy_table::Table::new();
            table.load_preset(comfy_table::presets::NOTHING);
            table.set_header(columns.iter().map(|column| column.0));
            table.add_rows(rows.iter().map(|row| cells(columns, row)));
            // The preset pads the first column like the others, and the last with nothing to its right.
            table.lines().try_for_each(|text| line(text.strip_prefix(' ').unwrap_or(&text).trim_end()))
        }
    }
}

/// Prints one object: its fields one below the other, or in the form that was asked for.
pub(crate) fn object(format: Format, columns: &[Column], object: &Value) -> Result {
    match format {
        Format::Json => json(object),
        Format::Csv => rows(format, columns, std::slice::from_ref(object)),
        Format::Table => line(&described(columns, object).join("\n")),
    }
}

/// The lines that describe an object: its fields one below the other.
pub(crate) fn described(columns: &[Column], object: &Value) -> Vec<String> {
    let width = columns.iter().map(|column| column.0.chars().count()).max().unwrap_or_default();
    let titles = columns.iter().map(|column| column.0);
    titles.zip(cells(columns, object)).map(|(title, cell)| format!("{title:width$}  {cell}")).collect()
}

/// Prints what people read before they are asked: where they read standard output, there; where a program reads
/// it, on standard error.
pub(crate) fn preview(format: Format, lines: &[String]) -> Result {
    match format {
        Format::Table => line(&lines.join("\n")),
        _ => {
            eprintln!("{}", lines.join("\n"));
            Ok(())
        }
    }
}

/// Prints a JSON document. Its writer escapes the old control characters; the rest of them is escaped here.
pub(crate) fn json(value: &Value) -> Result {
    let text = serde_json::to_string_pretty(value).expect("a JSON value can be written");
    let mut safe = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\n' => safe.push(char),
            _ if steers(char) => safe.push_str(&format!("\\u{:04x}", u32::from(char))),
            _ => safe.push(char),
        }
    }
    line(&safe)
}

/// A text from outside on one line, without what could steer the terminal or hide what is there.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    match text.contains(steers) {
        true => text
            .chars()
            .filter_map(|char| if char == '\n' { Some(' ') } else { (!steers(char)).then_some(char) })
            .collect(),
        false => text.into(),
    }
}

/// The text at the pointer, clean; empty where there is nothing.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> Cow<'a, str> {
    match value.pointer(pointer) {
        None | Some(Value::Null) => "".into(),
        Some(Value::String(text)) => clean(text),
        Some(other) => Cow::Owned(clean(&other.to_string()).into_owned()),
    }
}

/// Control characters, and those that change the direction of what follows.
fn steers(char: char) -> bool {
    char.is_control() || matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn cells<'a>(columns: &'a [Column], row: &'a Value) -> impl Iterator<Item = Cow<'a, str>> {
    columns.iter().map(|column| text(row, column.1))
}

fn csv(cell: Cow<'_, str>) -> String {
    match cell.contains(['"', ',']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_cannot_steer_the_terminal() {
        assert_eq!(clean("\u{1b}[31mred\u{1b}[0m\u{7}\u{9b}2J"), "[31mred[0m2J");
        assert_eq!(clean("two\nlines\r\u{202e}drawkcab"), "two linesdrawkcab");
        assert_eq!(clean("Grüße, 東京 👍"), "Grüße, 東京 👍");
        assert_eq!(text(&serde_json::json!({"a": {"b": "x\u{1b}y"}, "n": 3}), "/a/b"), "xy");
        assert_eq!(text(&serde_json::json!({"n": 3}), "/n"), "3");
        assert_eq!(text(&serde_json::json!({"n": null}), "/n"), "");
    }

    #[test]
    fn csv_quotes_what_needs_it() {
        assert_eq!(csv("+14155552671".into()), "+14155552671");
        assert_eq!(csv("a \"b\", c".into()), "\"a \"\"b\"\", c\"");
    }
}
