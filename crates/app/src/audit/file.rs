//! The audit trail as a file of JSON lines, which can be verified without a database, a server or a key.

use super::{Break, Head, Verdict, Walk, hash_of_hex};
use dialtone_domain::OrgId;
use dialtone_store::events::Event;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One line. The columns that hold JSON stay texts, so that the very bytes that were hashed are in it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    org: OrgId,
    seq: i64,
    /// Microseconds since 1970, UTC.
    at: i64,
    actor: String,
    actor_id: String,
    kind: String,
    subject_id: String,
    request_id: Option<String>,
    address: Option<String>,
    before: Option<String>,
    after: Option<String>,
    hash: String,
}

/// The first line of a file that a filter made: it has gaps, which are not to be taken for entries that somebody removed.
pub const FILTERED_LINE: &str = "{\"filtered\":true}\n";

/// An event as a line of the file, its end included.
pub fn audit_line(org: OrgId, event: Event) -> String {
    let hash = event.hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let Event { seq, at, actor, actor_id, kind, subject_id, request_id, address, before, after, hash: _ } =
        event;
    let at = at.as_microsecond();
    let line =
        Line { org, seq, at, actor, actor_id, kind, subject_id, request_id, address, before, after, hash };
    let mut text = serde_json::to_string(&line).expect("texts and numbers");
    text.push('\n');
    text
}

fn parse(text: &str) -> Option<(OrgId, Event)> {
    let line: Line = serde_json::from_str(text).ok()?;
    let Line { org, seq, at, actor, actor_id, kind, subject_id, request_id, address, before, after, hash } =
        line;
    let (at, hash) = (Timestamp::from_microsecond(at).ok()?, hash_of_hex(&hash)?.to_vec());
    let event =
        Event { seq, at, actor, actor_id, kind, subject_id, request_id, address, before, after, hash };
    Some((org, event))
}

/// Verifies an exported file that begins with the first event of its organisation, also against heads that were noted
/// elsewhere.
///
/// # Errors
/// What the file is instead, as the end of a sentence: unreadable, empty, filtered, not lines of one organisation.
pub fn verify_audit_file(
    lines: impl IntoIterator<Item = std::io::Result<String>>,
    anchors: &[Head],
) -> Result<Verdict, String> {
    let mut walk: Option<Walk> = None;
    for (number, line) in (1..).zip(lines) {
        let line = line.map_err(|error| format!("line {number} cannot be read: {error}"))?;
        if number == 1 && line == FILTERED_LINE.trim_end() {
            return Err("it was exported with a filter and has gaps; export it again without one".to_owned());
        }
        let (org, event) = parse(&line).ok_or_else(|| format!("line {number} is no line of an export"))?;
        let walk = match &mut walk {
            Some(walk) => walk,
            empty => match Walk::new(org, anchors.iter().find(|anchor| anchor.org == org).cloned()) {
                Ok(begun) => empty.insert(begun),
                Err(broken) => return Ok(Verdict::of(Head::genesis(org), Some(broken))),
            },
        };
        if walk.last().org != org {
            return Err(format!("line {number} belongs to another organisation than those before it"));
        }
        if let Err(broken) = walk.step(&event) {
            return Ok(Verdict::of(walk.last().clone(), Some(broken)));
        }
    }
    let walk = walk.ok_or("it is empty")?;
    // Where a file ends is on record nowhere but in an anchor.
    let end = walk.end(walk.last()).err();
    Ok(Verdict::of(walk.last().clone(), end))
}

impl Verdict {
    fn of(good: Head, broken: Option<Break>) -> Self {
        Self { name: None, good, broken }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Flaw;

    fn file(org: OrgId, count: i64) -> Vec<String> {
        let mut last = Head::genesis(org);
        (1..=count)
            .map(|seq| {
                let mut event = Event {
                    seq,
                    at: Timestamp::from_microsecond(1_800_000_000_000_000 + seq).unwrap(),
                    actor: r#"{"kind":"system","name":"é"}"#.to_owned(),
                    actor_id: "é".to_owned(),
                    kind: "line.changed".to_owned(),
                    subject_id: "s".to_owned(),
                    request_id: None,
                    address: Some("::1".to_owned()),
                    before: None,
                    after: Some("{\"a\":1}".to_owned()),
                    hash: Vec::new(),
                };
                last = Head { org, seq, hash: dialtone_store::hash(&last.hash, &event) };
                event.hash = last.hash.to_vec();
                audit_line(org, event)
            })
            .collect()
    }

    fn verify(lines: &[String], anchors: &[Head]) -> Result<(i64, Option<(i64, Flaw)>), String> {
        let lines = lines.iter().map(|line| Ok(line.trim_end().to_owned()));
        let verdict = verify_audit_file(lines, anchors)?;
        Ok((verdict.good.seq, verdict.broken.map(|broken| (broken.seq, broken.flaw))))
    }

    #[test]
    fn t48_a_file_is_verified_without_a_database() {
        let org = crate::clock::new_id();
        let good = file(org, 4);
        assert_eq!(verify(&good, &[]), Ok((4, None)));
        let mut changed = good.clone();
        changed[2] = changed[2].replace("line.changed", "line.removed");
        assert_eq!(verify(&changed, &[]), Ok((2, Some((3, Flaw::Changed)))));
        assert_eq!(verify(&good[1..], &[]), Ok((0, Some((1, Flaw::Missing)))));
        let moved = [&good[..1], &good[2..3], &good[1..2]].concat();
        assert_eq!(verify(&moved, &[]), Ok((1, Some((2, Flaw::Missing)))));
        let last = verify_audit_file(good.iter().map(|line| Ok(line.clone())), &[]).unwrap().good;
        assert_eq!(verify(&good[..3], &[]), Ok((3, None)), "a shorter file is a whole chain by itself");
        assert_eq!(verify(&good[..3], &[last]), Ok((3, Some((4, Flaw::Missing)))));
        let other = file(crate::clock::new_id(), 1);
        let filtered = [&[FILTERED_LINE.to_owned()], &good[1..3]].concat();
        assert!(verify(&filtered, &[]).is_err_and(|why| why.contains("gaps")));
        assert!(verify(&[good, other].concat(), &[]).is_err());
        assert!(verify(&[], &[]).is_err() && verify(&["{}".to_owned()], &[]).is_err());
    }
}
