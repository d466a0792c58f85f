//! `/metrics` in the format that Prometheus reads, with few labels, and every number in the book.

use dialtone_testkit::on_each_engine;
use std::collections::{HashMap, HashSet};

/// A sample: its name, its labels, its value.
type Sample = (String, Vec<(String, String)>, f64);

/// What one metric is, by its name: its kind, and its samples' names and labels.
#[derive(Default)]
struct Family {
    kind: String,
    has_help: bool,
    samples: Vec<Sample>,
}

fn labels(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (name, after) = rest.split_once("=\"").expect("a label has a value in quotes");
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "the label {name}");
        let end = after.find('"').expect("the value's quotes end");
        found.push((name.to_owned(), after[..end].to_owned()));
        rest = after[end + 1..].trim_start_matches(',');
    }
    found
}

/// Reads the text as OpenMetrics, and panics where it is not.
fn parse(text: &str) -> HashMap<String, Family> {
    let body = text.strip_suffix("# EOF\n").expect("it ends with its end");
    let mut families: HashMap<String, Family> = HashMap::new();
    let mut current = String::new();
    for line in body.lines() {
        let words: Vec<&str> = line.splitn(4, ' ').collect();
        match words[..] {
            ["#", "HELP", name, help] => {
                assert!(!help.is_empty() && !families.contains_key(name), "{name} comes twice");
                name.clone_into(&mut current);
                families.entry(current.clone()).or_default().has_help = true;
            }
            ["#", "TYPE", name, kind] => {
                assert_eq!(name, current);
                families.get_mut(name).unwrap().kind = kind.to_owned();
            }
            ["#", "UNIT", name, unit] => assert!(name == current && name.ends_with(unit)),
            _ => {
                let (series, value) = line.rsplit_once(' ').expect("a sample has a value");
                let (name, inside) = series.split_once('{').unwrap_or((series, "}"));
                assert!(name.starts_with(&current), "{name} is not of {current}");
                let found = labels(inside.strip_suffix('}').expect("labels end"));
                let value = value.parse().unwrap_or_else(|_| panic!("{line}"));
                families.get_mut(&current).unwrap().samples.push((name.to_owned(), found, value));
            }
        }
    }
    families
}

on_each_engine! {
    async fn the_numbers_are_well_formed_few_and_documented(world: TestServer) {
        world.import().await;
        world.nobody().get("/api/v1/lines").await.problem(401, "not_signed_in");
        world.owner.get("/api/v1/lines/+14155552671").await.expect(200);
        let text = world.nobody().get("/metrics").await.expect(200).text;
        let families = parse(&text);
        let book = include_str!("../../../../docs/operations.md");
        for (name, family) in &families {
            assert!(family.has_help && !family.kind.is_empty(), "{name} says nothing of itself");
            let shown = match family.kind.as_str() {
                "counter" => format!("`{name}_total`"),
                "info" => format!("`{name}_info`"),
                _ => format!("`{name}`"),
            };
            assert!(book.contains(&shown), "docs/operations.md does not know {shown}");
            let series: HashSet<_> = family.samples.iter().map(|(name, labels, _)| (name, labels)).collect();
            assert_eq!(series.len(), family.samples.len(), "{name} has a series twice");
            assert!(series.len() < 200, "{name} has {} series", series.len());
            for (_, value) in family.samples.iter().flat_map(|(_, labels, _)| labels) {
                let digits = value.bytes().filter(u8::is_ascii_digit).count();
                assert!(digits < 6 && value.len() < 80, "{name} has a label {value}");
            }
        }
        let sum = |family: &str, label: &str, wanted: &str| {
            let samples = families[family].samples.iter();
            let fits = |labels: &[(String, String)]| labels.iter().any(|(name, value)| name == label && value == wanted);
            samples.filter(|(name, labels, _)| name.ends_with("_total") && fits(labels)).map(|sample| sample.2).sum::<f64>()
        };
        assert!(sum("dialtone_problems", "code", "not_signed_in") >= 1.0);
        assert!(sum("dialtone_provider_calls", "provider", "Twilio") >= 3.0);
        assert_eq!(sum("dialtone_operations", "kind", "import"), 1.0, "{text}");
        for positive in ["process_resident_memory_bytes", "process_open_fds", "process_threads", "dialtone_connections"] {
            assert!(families[positive].samples[0].2 > 0.0, "{positive}");
        }
    }
}
