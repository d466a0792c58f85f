//! A witness of how secrets are stored, who shares no code with the program: it reads the database and the key file
//! by itself, seals, opens and counts.

use crate::harness::{Engine, Place};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use rusqlite::config::DbConfig;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

/// The beginning of every secret that is planted.
pub(crate) const NEEDLE: &str = "keys-canary-secret-";

/// The tables that secrets are planted in: each with its sealed columns, and how a row is made of its id, the
/// organisation's and the columns' values.
const TABLES: [(&str, &[&str], &str); 3] = [
    (
        "previous_tokens",
        &["auth_token"],
        "id, org_id, account_sid, expires_at, auth_token) VALUES ({}, 'AC', 9000000000000000, ",
    ),
    (
        "webhooks",
        &["secret"],
        "id, org_id, url, description, created_at, updated_at, secret) VALUES ({}, 'https://x.example', '', 1, 1, ",
    ),
    (
        "idempotency",
        &["fingerprint", "body"],
        "id, org_id, status, created_at, fingerprint, body) VALUES ({}, 201, 9000000000000000, ",
    ),
];

/// A place with secrets in it.
pub(crate) struct Witness<'a> {
    place: &'a Place,
    /// What was planted: table, column and row, with the secret.
    planted: BTreeMap<(String, String, String), String>,
}

fn cipher(key: &[u8]) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new_from_slice(key).unwrap()
}

fn encrypt(cipher: &XChaCha20Poly1305, number: u64, context: &str, message: &[u8]) -> Vec<u8> {
    let mut nonce = [0; 24];
    nonce[..8].copy_from_slice(&number.to_be_bytes());
    let sealed = cipher.encrypt(&XNonce::from(nonce), Payload { msg: message, aad: context.as_bytes() });
    [&nonce[..], &sealed.unwrap()].concat()
}

fn decrypt(cipher: &XChaCha20Poly1305, context: &str, sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, message) = sealed.split_first_chunk::<24>()?;
    cipher.decrypt(&XNonce::from(*nonce), Payload { msg: message, aad: context.as_bytes() }).ok()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

impl<'a> Witness<'a> {
    /// Plants secrets for so many organisations besides the one that is there: each gets a data key of its own and
    /// 50 secrets.
    pub(crate) fn plant(place: &'a Place, organisations: u128) -> Self {
        let mut witness = Self { place, planted: BTreeMap::new() };
        let master = witness.masters().remove(0);
        let mut number = 0;
        let mut script = "CREATE TEMPORARY TABLE one AS SELECT * FROM orgs LIMIT 1;".to_owned();
        for organisation in 1..=organisations {
            let org = uuid::Uuid::from_u128(organisation << 64).to_string();
            number += 1;
            let key: Vec<u8> = org.bytes().take(32).collect();
            let wrapped = encrypt(&master, number, &format!("{org}|data_keys|{org}|wrapped|1"), &key);
            write!(
                script,
                "UPDATE one SET id = '{org}'; INSERT INTO orgs SELECT * FROM one; \
                 INSERT INTO data_keys (owner, version, wrapped, master_key, created_at) \
                 SELECT '{org}', 1, {}, master_key, 1 FROM instance;",
                place.literal(&hex(&wrapped))
            )
            .unwrap();
            for row in 0..48 {
                // Two of the 48 rows have two sealed columns each.
                let (table, columns, insert) = TABLES[if row < 2 { 2 } else { row % 2 }];
                let id = format!("{org}/{row}");
                write!(script, "INSERT INTO {table} ({}", insert.replace("{}", &format!("'{id}', '{org}'")))
                    .unwrap();
                for (index, column) in columns.iter().enumerate() {
                    number += 1;
                    let secret = format!("{NEEDLE}{number:08}");
                    let context = format!("{org}|{table}|{id}|{column}|1");
                    let sealed = encrypt(&cipher(&key), number, &context, secret.as_bytes());
                    let sealed = [&[1, 0, 0, 0, 1][..], &sealed].concat();
                    let comma = if index == 0 { "" } else { ", " };
                    write!(script, "{comma}{}", place.literal(&hex(&sealed))).unwrap();
                    witness.planted.insert((table.to_owned(), (*column).to_owned(), id.clone()), secret);
                }
                script.push_str(");");
            }
        }
        script.push_str("DROP TABLE one;");
        place.script(&format!("BEGIN;{script}COMMIT;"));
        witness
    }

    /// How many secrets there are.
    pub(crate) fn len(&self) -> usize {
        self.planted.len()
    }

    /// The master keys in the files.
    fn masters(&self) -> Vec<XChaCha20Poly1305> {
        let files = ["master.key", "master.key.old"].map(|name| self.place.folder().join(name));
        let texts = files.iter().filter_map(|file| std::fs::read_to_string(file).ok());
        texts.map(|text| cipher(&BASE64_STANDARD.decode(text.trim()).unwrap())).collect()
    }

    /// The wrapped data keys, as they are stored.
    pub(crate) fn wrapped(&self) -> Vec<Vec<u8>> {
        let rows = self.place.texts(&format!("SELECT {} FROM data_keys", self.place.as_hex("wrapped")));
        rows.iter().map(|row| bytes(&row[0])).collect()
    }

    /// Opens everything that was planted and compares it; answers how many secrets each version of the keys seals.
    pub(crate) fn read_all(&self) -> BTreeMap<u32, usize> {
        let masters = self.masters();
        let wrapped = self.place.as_hex("wrapped");
        let rows =
            self.place.texts(&format!("SELECT owner, CAST(version AS TEXT), {wrapped} FROM data_keys"));
        let mut keys = HashMap::new();
        for row in rows {
            let (owner, version) = (&row[0], row[1].parse::<u32>().unwrap());
            let context = format!("{owner}|data_keys|{owner}|wrapped|{version}");
            let key = masters.iter().find_map(|master| decrypt(master, &context, &bytes(&row[2])));
            keys.insert((owner.clone(), version), cipher(&key.expect("one of the master keys opens it")));
        }
        let (mut found, mut versions) = (BTreeMap::new(), BTreeMap::new());
        for (table, columns, _) in TABLES {
            for column in columns {
                let value = self.place.as_hex(column);
                for row in self.place.texts(&format!("SELECT org_id, id, {value} FROM {table}")) {
                    let sealed = bytes(&row[2]);
                    assert_eq!(sealed[0], 1);
                    let version = u32::from_be_bytes(sealed[1..5].try_into().unwrap());
                    let key = keys.get(&(row[0].clone(), version)).expect("its key was not destroyed");
                    let context = format!("{}|{table}|{}|{column}|{version}", row[0], row[1]);
                    let secret = decrypt(key, &context, &sealed[5..]).expect("it opens");
                    *versions.entry(version).or_default() += 1;
                    let place = (table.to_owned(), (*column).to_owned(), row[1].clone());
                    found.insert(place, String::from_utf8(secret).unwrap());
                }
            }
        }
        assert!(found == self.planted, "every secret is what it was, where it was");
        versions
    }
}

impl Place {
    /// Bytes as the engine's SQL writes them.
    fn literal(&self, hex: &str) -> String {
        match self.engine() {
            Engine::Sqlite => format!("X'{hex}'"),
            Engine::Postgres => format!("'\\x{hex}'"),
        }
    }

    /// A column of bytes as hexadecimal text.
    fn as_hex(&self, column: &str) -> String {
        match self.engine() {
            Engine::Sqlite => format!("lower(hex({column}))"),
            Engine::Postgres => format!("encode({column}, 'hex')"),
        }
    }

    /// Runs statements on the place's database.
    fn script(&self, statements: &str) {
        match self.engine() {
            Engine::Sqlite => self.sqlite().execute_batch(statements).unwrap(),
            Engine::Postgres => self.postgres(|client| client.batch_execute(statements).unwrap()),
        }
    }

    /// Rows of texts.
    pub(crate) fn texts(&self, query: &str) -> Vec<Vec<String>> {
        match self.engine() {
            Engine::Sqlite => {
                let connection = self.sqlite();
                let mut statement = connection.prepare(query).unwrap();
                let columns = statement.column_count();
                let row = |row: &rusqlite::Row<'_>| (0..columns).map(|at| row.get(at)).collect();
                statement.query_map([], row).unwrap().map(Result::unwrap).collect()
            }
            Engine::Postgres => self.postgres(|client| {
                let rows = client.query(query, &[]).unwrap();
                rows.iter().map(|row| (0..row.len()).map(|at| row.get(at)).collect()).collect()
            }),
        }
    }

    fn sqlite(&self) -> rusqlite::Connection {
        let connection = rusqlite::Connection::open(self.folder().join("dialtone.db")).unwrap();
        connection.busy_timeout(std::time::Duration::from_secs(30)).unwrap();
        // As the program's own: what a page had before is not left in it.
        connection.pragma_update(None, "secure_delete", true).unwrap();
        // The log is moved into the file by the program alone, which keeps sums of what it moves.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).unwrap();
        connection
    }

    fn postgres<T: Send>(&self, work: impl FnOnce(&mut postgres::Client) -> T + Send) -> T {
        // The client blocks, and must not do so on a runtime's thread.
        std::thread::scope(|scope| {
            let url = self.database_url();
            let run =
                scope.spawn(move || work(&mut postgres::Client::connect(&url, postgres::NoTls).unwrap()));
            run.join().unwrap()
        })
    }
}
