//! Every registered text is prepared on both engines: types, plans and the portable dialect.

use dialtone_store::keys::SEALED_COLUMNS;
use dialtone_store::{Engine, Sql, Store, texts};
use postgres::types::Type;

use crate::common::{Database, connect, off_runtime};

/// Texts that may read a whole table, by a piece of them, and why.
const SCANS: &[(&str, &str)] = &[
    ("SELECT COUNT(*) FROM", "the size of an installation, for its support bundle"),
    ("FROM operations WHERE problem IS NOT NULL", "for the support bundle, from the newest backwards"),
    ("FROM schema_version", "one row per migration, read at the start"),
    ("FROM orgs WHERE name", "for the command line, where a name is looked up by hand"),
    ("SELECT id FROM orgs ORDER BY id", "every chain is verified, on the data directory"),
    ("SELECT name FROM orgs", "the names of the first few, for the command line"),
    ("FROM sqlite_schema", "the list of tables, read at the start"),
    ("FROM pg_catalog.pg_class", "the list of tables, read at the start"),
    ("FROM orgs o LEFT JOIN tape_settings", "housekeeping looks at every organisation"),
    ("FROM tape_strangers", "a ring of a few hundred rows"),
    ("FROM pg_catalog.pg_stat_activity", "the server's connections, before a database is moved"),
    ("FROM pg_catalog.pg_constraint", "the references, while a database is filled"),
    ("FROM pragma_foreign_key_check", "every reference, after a database was filled"),
    ("WHERE 1 = 1", "all of them, when a backup is restored"),
    ("FROM twilio_settings t JOIN", "the worker looks at every organisation"),
    ("DELETE FROM codes WHERE kind", "one-time codes are few, and this happens at the start"),
];

/// Indexes of the unfinished only, of which there are few: reading such a one from end to end is no scan.
const SMALL_INDEXES: [&str; 5] =
    ["operations_due", "operations_unfinished", "deliveries_due", "deliveries_unfinished", "alerts_open"];

fn for_engine(engine: Engine) -> impl Iterator<Item = Sql> {
    texts().filter(move |sql| sql.only.is_none_or(|only| only == engine))
}

fn may_scan(sql: Sql) -> bool {
    SCANS.iter().any(|(piece, _)| sql.text.contains(piece))
}

#[test]
fn every_text_is_registered() {
    let sources = [
        include_str!("../../src/accounts/credentials.rs"),
        include_str!("../../src/accounts/invitations.rs"),
        include_str!("../../src/accounts/organisations.rs"),
        include_str!("../../src/accounts/people.rs"),
        include_str!("../../src/clock.rs"),
        include_str!("../../src/copy.rs"),
        include_str!("../../src/counts.rs"),
        include_str!("../../src/factors.rs"),
        include_str!("../../src/alerts.rs"),
        include_str!("../../src/deliveries.rs"),
        include_str!("../../src/diary.rs"),
        include_str!("../../src/accounts/sessions.rs"),
        include_str!("../../src/accounts/tokens.rs"),
        include_str!("../../src/events.rs"),
        include_str!("../../src/fence.rs"),
        include_str!("../../src/idempotency.rs"),
        include_str!("../../src/instance.rs"),
        include_str!("../../src/keys/mod.rs"),
        include_str!("../../src/inbound.rs"),
        include_str!("../../src/lines.rs"),
        include_str!("../../src/migrate.rs"),
        include_str!("../../src/operations.rs"),
        include_str!("../../src/previous_tokens.rs"),
        include_str!("../../src/postgres.rs"),
        include_str!("../../src/schema.rs"),
        include_str!("../../src/settings.rs"),
        include_str!("../../src/watch.rs"),
        include_str!("../../src/tape.rs"),
    ];
    let written: usize = sources.iter().map(|source| source.matches("sql!(").count()).sum();
    // Two for each sealed column.
    assert_eq!(texts().count(), written + 2 * SEALED_COLUMNS.len());
}

#[test]
fn texts_keep_to_the_portable_dialect() {
    for sql in texts() {
        let text = sql.text;
        for word in [
            "SELECT *",
            "FOR UPDATE",
            "OR REPLACE",
            "OR IGNORE",
            "\"",
            "$1",
            "RETURNING *",
            "NOW()",
            "GREATEST",
        ] {
            assert!(!text.contains(word), "{word} at {sql}: {text}");
        }
        assert!(!text.contains("  "), "two spaces at {sql}: {text}");
    }
}

#[test]
fn sqlite_takes_every_text_and_finds_an_index_for_it() {
    let database = Database::sqlite();
    Store::open(&database.url).unwrap();
    let connection = rusqlite::Connection::open(database.file()).unwrap();
    for sql in for_engine(Engine::Sqlite) {
        let mut plan =
            connection.prepare(&format!("EXPLAIN QUERY PLAN {}", sql.text)).unwrap_or_else(|error| {
                panic!("{sql}: {error}: {}", sql.text);
            });
        let nulls = vec![rusqlite::types::Null; plan.parameter_count()];
        let steps: Vec<String> = plan
            .query_map(rusqlite::params_from_iter(nulls), |row| row.get("detail"))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let scans = steps.iter().any(|step| {
            step.starts_with("SCAN")
                && !step.contains("CONSTANT ROW")
                && !SMALL_INDEXES.iter().any(|index| step.contains(index))
        });
        // The first row in the order of an index is not a scan, whatever SQLite calls it.
        let first_of_index = sql.text.ends_with("LIMIT 1")
            && steps.iter().all(|step| step.contains("USING INDEX") || step.contains("COVERING INDEX"));
        assert!(
            !scans || first_of_index || may_scan(sql),
            "{sql} reads a whole table: {steps:?}: {}",
            sql.text
        );
        assert!(
            !steps.iter().any(|step| step.contains("TEMP B-TREE FOR ORDER BY")) || sorts(sql),
            "{sql} sorts without end: {steps:?}: {}",
            sql.text
        );
    }
}

/// Texts that sort what they found, which is little: the members, tokens or organisations of one.
fn sorts(sql: Sql) -> bool {
    ["FROM members m", "FROM tokens", "FROM orgs WHERE name", "SELECT name FROM orgs", "FROM sqlite_schema m"]
        .iter()
        .any(|piece| sql.text.contains(piece))
}

#[test]
fn postgres_takes_every_text_with_the_four_types_and_finds_an_index_for_it() {
    let Some(database) = Database::postgres() else { return };
    Store::open(&database.url).unwrap();
    let url = database.url.clone();
    off_runtime(move || {
        let mut client = connect(&url);
        // Generic plans of prepared statements, without sequential scans wherever another way exists.
        client.batch_execute("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan").unwrap();
        let four = [Type::TEXT, Type::INT8, Type::BOOL, Type::BYTEA];
        for (number, sql) in for_engine(Engine::Postgres).enumerate() {
            let text = sql.for_postgres();
            let statement = client.prepare(&text).unwrap_or_else(|error| panic!("{sql}: {error:?}: {text}"));
            for kind in
                statement.params().iter().chain(statement.columns().iter().map(postgres::Column::type_))
            {
                assert!(four.contains(kind), "{sql} uses the type {kind}: {text}");
            }
            let nulls = vec!["NULL"; statement.params().len()].join(", ");
            let arguments = if nulls.is_empty() { nulls } else { format!("({nulls})") };
            client.batch_execute(&format!("PREPARE p{number} AS {text}")).unwrap();
            let plan: Vec<String> = client
                .simple_query(&format!("EXPLAIN EXECUTE p{number}{arguments}"))
                .unwrap()
                .into_iter()
                .filter_map(|message| match message {
                    postgres::SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap().to_owned()),
                    _ => None,
                })
                .collect();
            let scans = plan.iter().any(|step| step.contains("Seq Scan"));
            assert!(!scans || may_scan(sql), "{sql} reads a whole table: {plan:#?}: {text}");
        }
    });
}

#[test]
fn columns_have_the_four_types_and_postgres_compares_text_by_bytes() {
    let database = Database::sqlite();
    Store::open(&database.url).unwrap();
    let connection = rusqlite::Connection::open(database.file()).unwrap();
    let kinds =
        "SELECT DISTINCT c.type FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'";
    let mut statement = connection.prepare(kinds).unwrap();
    for kind in statement.query_map([], |row| row.get::<_, String>(0)).unwrap() {
        let kind = kind.unwrap();
        assert!(["TEXT", "INTEGER", "BLOB"].contains(&kind.as_str()), "{kind}");
    }
    let loose = "SELECT COUNT(*) FROM pragma_table_list WHERE type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite_%'";
    assert_eq!(connection.query_row(loose, [], |row| row.get::<_, i64>(0)), Ok(0));

    let Some(database) = Database::postgres() else { return };
    Store::open(&database.url).unwrap();
    let others = database.count(
        "information_schema.columns WHERE table_schema = 'public' \
         AND data_type NOT IN ('text', 'bigint', 'boolean', 'bytea')",
    );
    let collated = database.count(
        "information_schema.columns WHERE table_schema = 'public' \
         AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'",
    );
    assert_eq!((others, collated), (0, 0));
}
