//! A row as a line of text that is the same whichever engine it came from: a JSON array. Bytes are base64, truth
//! is 0 or 1.

use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};
use serde_json::Value as Json;

use crate::schema::Kind;
use crate::value::Value;

/// Appends the row's line, with its end.
pub(crate) fn write(row: &[Value], line: &mut String) {
    line.push('[');
    for (index, value) in row.iter().enumerate() {
        if index > 0 {
            line.push(',');
        }
        match value {
            Value::Null => line.push_str("null"),
            Value::Int(number) => line.push_str(&number.to_string()),
            Value::Bool(flag) => line.push(if *flag { '1' } else { '0' }),
            Value::Text(text) => line.push_str(&Json::from(text.as_str()).to_string()),
            Value::Bytes(bytes) | Value::Sealed(crate::Sealed(bytes)) => {
                line.push('"');
                BASE64.encode_string(bytes, line);
                line.push('"');
            }
        }
    }
    line.push_str("]\n");
}

/// Reads a line back as columns of these types; `None` if it does not fit.
pub(crate) fn read(line: &str, kinds: &[Kind]) -> Option<Vec<Value>> {
    let cells: Vec<Json> = serde_json::from_str(line).ok()?;
    if cells.len() != kinds.len() {
        return None;
    }
    let value = |(cell, kind): (Json, &Kind)| match (cell, kind) {
        (Json::Null, _) => Some(Value::Null),
        (Json::Number(number), Kind::Int) => number.as_i64().map(Value::Int),
        (Json::Number(number), Kind::Bool) => number.as_i64().map(|flag| Value::Bool(flag != 0)),
        (Json::String(text), Kind::Text) => Some(Value::Text(text)),
        (Json::String(text), Kind::Bytes) => BASE64.decode(text).ok().map(Value::Bytes),
        _ => None,
    };
    cells.into_iter().zip(kinds).map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_comes_back_as_it_was() {
        let row = [
            Value::Null,
            Value::Int(i64::MIN),
            Value::Bool(true),
            Value::Text("a \"b\"\n\\ é 👍 \u{7f}".to_owned()),
            Value::Bytes(vec![0, 255, 10]),
        ];
        let kinds = [Kind::Text, Kind::Int, Kind::Bool, Kind::Text, Kind::Bytes];
        let mut line = String::new();
        write(&row, &mut line);
        assert_eq!(line.matches('\n').count(), 1, "one line");
        assert_eq!(read(line.trim_end(), &kinds).unwrap(), row);
        assert_eq!(read("[1]", &kinds), None);
        assert_eq!(read("[1,2,3,4,5]", &kinds), None);
        assert_eq!(read("", &[]), None);
    }
}
