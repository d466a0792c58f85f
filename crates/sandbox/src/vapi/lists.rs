//! Vapi's lists: bare arrays newest first, or pages with metadata (V4 [S]).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Answer;
use super::errors::Problem;
use crate::http::{Object, Params, text};

const LIMIT_DEFAULT: usize = 100;
const LIMIT_MAX: usize = 1_000;
const SEARCH_CHARS_MAX: usize = 100;

type Compare = fn(&Timestamp, &Timestamp) -> bool;

/// Date filters: the query name is field + suffix, for example `createdAtGt`.
const COMPARISONS: [(&str, Compare); 4] = [
    ("Gt", |at, bound| at > bound),
    ("Lt", |at, bound| at < bound),
    ("Ge", |at, bound| at >= bound),
    ("Le", |at, bound| at <= bound),
];

/// A v1 list: `limit` 0 to 1000, default 100, date filters; newest first [?].
pub(crate) fn array<'i>(query: &Params, items: impl Iterator<Item = &'i Object>) -> Result<Answer, Problem> {
    let limit = limit(query)?;
    let kept = filtered(query, items)?;
    Ok(Answer::Json(kept.into_iter().rev().take(limit).cloned().map(Value::Object).collect()))
}

/// A v2 list with `search` over the fields named, `page`, `limit`, `sortOrder`.
pub(crate) fn page<'i>(
    query: &Params,
    items: impl Iterator<Item = &'i Object>,
    searched: &[&str],
) -> Result<Answer, Problem> {
    let limit = limit(query)?;
    let number = number(query, "page", 1, usize::MAX, 1)?;
    let search = query.filled("search").unwrap_or_default().to_lowercase();
    if search.chars().count() > SEARCH_CHARS_MAX {
        let text = format!("search must be shorter than or equal to {SEARCH_CHARS_MAX} characters");
        return Err(Problem::invalid(&[text]));
    }
    let matches = |item: &&Object| {
        let found =
            |field: &&str| text(item, field).is_some_and(|text| text.to_lowercase().contains(&search));
        search.is_empty() || searched.iter().any(found)
    };
    let mut kept: Vec<&Object> = filtered(query, items)?.into_iter().filter(matches).collect();
    let order = one_of(query, "sortOrder", &["ASC", "DESC"])?.unwrap_or("DESC");
    // They come in the order of their creation. Only calls and chats have a price or a duration.
    match one_of(query, "sortBy", &["createdAt", "duration", "cost"])? {
        None | Some("createdAt") => {}
        Some(field) => {
            let amount = |item: &&Object| item.get(field).and_then(Value::as_f64).unwrap_or(0.0);
            kept.sort_by(|a, b| amount(a).total_cmp(&amount(b)));
        }
    }
    if order == "DESC" {
        kept.reverse();
    }
    let total = kept.len();
    let start = limit.saturating_mul(number - 1);
    let results: Value = kept.into_iter().skip(start).take(limit).cloned().map(Value::Object).collect();
    let metadata = json!({
        "itemsPerPage": limit,
        "totalItems": total,
        "currentPage": number,
        "totalPages": total.div_ceil(limit.max(1)),
        "hasNextPage": start.saturating_add(limit) < total,
        "sortOrder": order,
    });
    Ok(json!({"results": results, "metadata": metadata}).into())
}

fn one_of<'q>(query: &'q Params, name: &str, allowed: &[&str]) -> Result<Option<&'q str>, Problem> {
    match query.filled(name) {
        Some(given) if !allowed.contains(&given) => {
            let allowed = allowed.join(", ");
            Err(Problem::invalid(&[format!("{name} must be one of the following values: {allowed}")]))
        }
        given => Ok(given),
    }
}

fn limit(query: &Params) -> Result<usize, Problem> {
    number(query, "limit", 0, LIMIT_MAX, LIMIT_DEFAULT)
}

fn number(query: &Params, name: &str, least: usize, most: usize, usual: usize) -> Result<usize, Problem> {
    let Some(text) = query.filled(name) else { return Ok(usual) };
    let refuse = |text: String| Err(Problem::invalid(&[text]));
    // The official Python client writes numbers as 10.0 [C].
    match text.strip_suffix(".0").unwrap_or(text).parse::<usize>() {
        Ok(number) if number < least => refuse(format!("{name} must not be less than {least}")),
        Ok(number) if number > most => refuse(format!("{name} must not be greater than {most}")),
        Ok(number) => Ok(number),
        Err(_) => refuse(format!("{name} must be a number conforming to the specified constraints")),
    }
}

fn filtered<'i>(query: &Params, items: impl Iterator<Item = &'i Object>) -> Result<Vec<&'i Object>, Problem> {
    let mut bounds: Vec<(&str, Compare, Timestamp)> = Vec::new();
    for field in ["createdAt", "updatedAt"] {
        for (suffix, compare) in COMPARISONS {
            let name = format!("{field}{suffix}");
            let Some(given) = query.filled(&name) else { continue };
            let bound = given
                .parse()
                .map_err(|_| Problem::invalid(&[format!("{name} must be a valid ISO 8601 date string")]))?;
            bounds.push((field, compare, bound));
        }
    }
    let within = |item: &&Object| {
        bounds.iter().all(|(field, compare, bound)| {
            text(item, field).and_then(|at| at.parse().ok()).is_some_and(|at: Timestamp| compare(&at, bound))
        })
    };
    Ok(items.filter(within).collect())
}
