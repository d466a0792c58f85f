//! Filters by time: `StartTime`, `StartTime<`, `StartTime>` and the like (T16 [S]).

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::http::{Object, text};
use crate::state::World;
use crate::twilio::errors::Problem;
use crate::twilio::{Answer, Ctx, paging};

/// The field from which the length of what is going on is counted.
pub(crate) const AT: &str = "start_time";

/// A day in UTC, or an instant, with the first instant after it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
}

impl Span {
    /// A date, or a full date and time, which official clients send too.
    pub(crate) fn parse(text: &str) -> Option<Span> {
        if let Ok(date) = text.parse::<Date>()
            && text.len() == 10
        {
            let start = date.to_zoned(TimeZone::UTC).ok()?.timestamp();
            let end = date.tomorrow().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp();
            return Some(Span { start, end });
        }
        let start: Timestamp = text.parse().ok()?;
        Some(Span { start, end: start.checked_add(SignedDuration::from_secs(1)).ok()? })
    }
}

/// How a resource's time is compared.
#[derive(Debug, Clone, Copy)]
enum Compare {
    Within,
    /// On or before: the `=` of the query completes `<=`.
    Until,
    Since,
}

/// A time that is kept as Twilio shows it.
pub(crate) fn parse(shown: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(shown).ok().map(|zoned| zoned.timestamp())
}

/// A page of those of `rows` that the account owns and whose times fit the query's filters.
pub(crate) fn list_filtered<'r>(
    ctx: &Ctx<'_>,
    rows: impl Iterator<Item = &'r Object> + Clone,
    key: &str,
    kind: &'static str,
    filters: &[(&str, &'static str)],
) -> Result<Answer, Problem> {
    let mut wanted = Vec::new();
    for (name, field) in filters {
        for (suffix, compare) in [("", Compare::Within), ("<", Compare::Until), (">", Compare::Since)] {
            let Some(text) = ctx.query.filled(&format!("{name}{suffix}")) else { continue };
            let invalid = || Problem::new(20001, format!("{name} is not a valid date: {text}"));
            wanted.push((*field, compare, Span::parse(text).ok_or_else(invalid)?));
        }
    }
    let fits = |row: &&Object| {
        let holds = |(field, compare, span): &(&str, Compare, Span)| {
            let Some(at) = text(row, field).and_then(parse) else { return false };
            match compare {
                Compare::Within => span.start <= at && at < span.end,
                Compare::Until => at < span.end,
                Compare::Since => at >= span.start,
            }
        };
        ctx.owns(row) && wanted.iter().all(holds)
    };
    paging::relative(ctx, key, kind, rows.filter(fits))
}

impl World {
    /// Whole seconds since a time that is kept as Twilio shows it.
    pub(crate) fn seconds_since(&self, shown: &str) -> u32 {
        let passed = parse(shown).map_or(0, |at| self.clock.now().duration_since(at).as_secs());
        u32::try_from(passed).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_instants() {
        let day = Span::parse("2026-01-15").unwrap();
        assert_eq!(day.end.duration_since(day.start), SignedDuration::from_hours(24));
        let instant = Span::parse("2026-01-15T10:00:00Z").unwrap();
        assert_eq!(parse("Thu, 15 Jan 2026 10:00:00 +0000"), Some(instant.start));
        assert!(Span::parse("yesterday").is_none());
    }
}
