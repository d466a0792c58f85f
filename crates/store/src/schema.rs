//! The tables as the database itself lists them, for what copies every one of them, whatever they are.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::sql::{Sql, Text, sql};
use crate::value::params;
use crate::{Engine, Error, Result, Tx};

/// A column's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Int,
    Bool,
    Text,
    Bytes,
}

/// A table of the schema.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// The names of its columns, in order.
    pub columns: Vec<String>,
    pub(crate) kinds: Vec<Kind>,
    key: Vec<String>,
}

impl Table {
    /// Reads all rows in the order of the key, which is the same on both engines.
    pub(crate) fn select(&self) -> Sql {
        let order = if self.key.is_empty() { &self.columns } else { &self.key };
        interned(format!(
            "SELECT {} FROM {} ORDER BY {}",
            quoted(&self.columns),
            quote(&self.name),
            quoted(order)
        ))
    }

    /// Adds one row.
    pub(crate) fn insert(&self) -> Sql {
        let places: Vec<_> = (1..=self.columns.len()).map(|place| format!("?{place}")).collect();
        interned(format!(
            "INSERT INTO {} ({}) VALUES ({})",
            quote(&self.name),
            quoted(&self.columns),
            places.join(", ")
        ))
    }

    /// PostgreSQL's way to add many rows at once.
    pub(crate) fn copy(&self) -> String {
        format!("COPY {} ({}) FROM STDIN", quote(&self.name), quoted(&self.columns))
    }
}

/// All tables by name.
///
/// # Errors
/// As all queries.
pub(crate) fn tables(tx: &mut Tx) -> Result<Vec<Table>> {
    let columns: Sql = match tx.engine() {
        Engine::Sqlite => sql!(only Sqlite: "SELECT m.name, c.name, c.type, c.pk FROM sqlite_schema m \
            JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' \
            ORDER BY m.name, c.cid"),
        Engine::Postgres => sql!(only Postgres: "SELECT CAST(c.relname AS TEXT), CAST(a.attname AS TEXT), \
            format_type(a.atttypid, NULL), \
            CAST(COALESCE(array_position(CAST(i.indkey AS SMALLINT[]), a.attnum) + 1, 0) AS BIGINT) \
            FROM pg_catalog.pg_class c \
            JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
            LEFT JOIN pg_catalog.pg_index i ON i.indrelid = c.oid AND i.indisprimary \
            WHERE c.relnamespace = CAST(current_schema() AS regnamespace) AND c.relkind IN ('r', 'p') \
            ORDER BY c.relname, a.attnum"),
    };
    let columns: Vec<(String, String, String, i64)> = tx.all(columns, params![])?;
    let mut tables: Vec<(Table, BTreeMap<i64, String>)> = Vec::new();
    for (name, column, kind, place) in columns {
        if tables.last().is_none_or(|(table, _)| table.name != name) {
            let table = Table { name, columns: Vec::new(), kinds: Vec::new(), key: Vec::new() };
            tables.push((table, BTreeMap::new()));
        }
        let Some((table, key)) = tables.last_mut() else { continue };
        table.kinds.push(kind_of(&kind, &table.name)?);
        if place > 0 {
            key.insert(place, column.clone());
        }
        table.columns.push(column);
    }
    Ok(tables.into_iter().map(|(table, key)| Table { key: key.into_values().collect(), ..table }).collect())
}

fn kind_of(name: &str, table: &str) -> Result<Kind> {
    Ok(match name.to_ascii_lowercase().as_str() {
        "integer" | "bigint" => Kind::Int,
        "boolean" => Kind::Bool,
        "text" => Kind::Text,
        "blob" | "bytea" => Kind::Bytes,
        _ => return Err(Error::Internal(format!("the table {table} has a column of the type {name}"))),
    })
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| quote(name)).collect::<Vec<_>>().join(", ")
}

/// A text that is made of the schema. There are as many as tables, so each is kept for the life of the process,
/// as those are that are written in the source.
fn interned(text: String) -> Sql {
    static TEXTS: Mutex<BTreeMap<String, Sql>> = Mutex::new(BTreeMap::new());
    let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    texts.entry(text.clone()).or_insert_with(|| {
        Box::leak(Box::new(Text {
            text: Box::leak(text.into_boxed_str()),
            only: None,
            place: (file!(), line!()),
        }))
    })
}
