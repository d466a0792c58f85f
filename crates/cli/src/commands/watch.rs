//! `dialtone watch` and `dialtone alerts`: how lines are watched, and what people are alerted to.

use super::client;
use crate::args::{Alerts, Watch};
use crate::client::{Method, segment};
use crate::failure::Result;
use crate::output::{Column, object, rows};
use serde_json::{Value, json};

const WATCH: &str = "/api/v1/watch";

const WATCH_COLUMNS: [Column; 7] = [
    ("Each line is looked at every (minutes)", "/interval_minutes"),
    ("Repaired without asking", "/repaired"),
    ("Lines", "/lines"),
    ("Lines that cannot be read", "/unknown"),
    ("Open alerts", "/open_alerts"),
    ("Next look", "/next_due"),
    ("Oldest look", "/oldest_look"),
];

const ALERT_COLUMNS: [Column; 8] = [
    ("ID", "/id"),
    ("SEVERITY", "/severity"),
    ("ALERT", "/title"),
    ("OPENED", "/opened_at"),
    ("LAST SEEN", "/seen_at"),
    ("KNOWN SINCE", "/acknowledged_at"),
    ("OVER", "/resolved_at"),
    ("WHAT TO DO", "/detail"),
];

/// Runs `dialtone watch`.
pub(crate) async fn watch(command: &Watch) -> Result {
    let (answer, remote) = match command {
        Watch::Status(remote) => (client(remote)?.get(WATCH).await?, remote),
        Watch::Settings { interval_minutes, repair, repair_nothing, remote } => {
            let mut change = json!({});
            if let Some(minutes) = interval_minutes {
                change["interval_minutes"] = json!(minutes);
            }
            if *repair_nothing || !repair.is_empty() {
                change["repair"] = json!(repair.join(" "));
            }
            (client(remote)?.request(Method::PATCH, WATCH, Some(&change)).await?, remote)
        }
    };
    let mut watch = answer["watch"].clone();
    let names = watch["repair"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let names = names.collect::<Vec<_>>().join(", ");
    watch["repaired"] = json!(if names.is_empty() { "nothing" } else { &names });
    object(remote.output.format, &WATCH_COLUMNS, &watch)
}

/// Runs `dialtone alerts`.
pub(crate) async fn alerts(command: &Alerts) -> Result {
    match command {
        Alerts::List { all, remote } => {
            let path = if *all { "/api/v1/alerts" } else { "/api/v1/alerts?open=true" };
            let alerts = client(remote)?.list(path, "alerts").await?;
            rows(remote.output.format, &ALERT_COLUMNS, &alerts)
        }
        Alerts::Ack { id, remote } => {
            let path = format!("/api/v1/alerts/{}/acknowledge", segment(id));
            let answer = client(remote)?.post(&path, &json!({})).await?;
            object(remote.output.format, &ALERT_COLUMNS, &answer["alert"])
        }
    }
}
