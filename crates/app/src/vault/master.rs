//! The master key: given in the configuration, or in a file of the data directory. During a change there are two.

use super::cipher::{Cipher, KEY_BYTES};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use dialtone_domain::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The key file, and where the key before it is while it is being changed.
pub(crate) const FILE: &str = "master.key";
pub(super) const OLD_FILE: &str = "master.key.old";

/// A master key and its id, which tells nothing of it.
#[derive(Clone)]
pub(super) struct MasterKey {
    pub(super) id: String,
    pub(super) cipher: Cipher,
}

/// Why the vault is sealed; each text is a sentence or two for whoever runs the server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealedReason {
    /// There is no master key, and the database has secrets.
    #[error(
        "There is no master key: DIALTONE_MASTER_KEY is not set, and {0} is not there. A new one was not made, since the \
         saved secrets need the one that sealed them. Put it back and start again."
    )]
    Missing(String),
    /// It is not 32 bytes in base64.
    #[error("The master key in {0} is not 32 bytes in base64. Put the right key back and start again.")]
    Malformed(String),
    /// The key file cannot be read.
    #[error("The master key file {0} cannot be read: {1}. Make it readable and start again.")]
    Unreadable(String, String),
    /// Other master keys are here than the database needs.
    #[error(
        "The saved secrets are sealed with the master key {needed}, and the one here is {found}. Put the right key into \
         DIALTONE_MASTER_KEY or the key file and start again."
    )]
    Wrong {
        /// The ids of the keys that are here.
        found: String,
        /// The ids of those that are needed.
        needed: String,
    },
}

/// Where master keys come from.
#[derive(Clone)]
pub(super) enum Source {
    /// `DIALTONE_MASTER_KEY`: one, or during a change two with a comma between them.
    Given(SecretString),
    /// The key file in this folder.
    Folder(PathBuf),
}

impl MasterKey {
    /// A key as it is written down.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes = <[u8; KEY_BYTES]>::try_from(STANDARD.decode(text.trim()).ok()?).ok()?;
        let digest = Sha256::new().chain_update(b"dialtone master key id").chain_update(bytes).finalize();
        let id = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Self { id, cipher: Cipher::new(bytes) })
    }

    /// Tells it from others; can be shown.
    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

/// A new key, as it is written down.
pub(super) fn random() -> SecretString {
    STANDARD.encode(rand::random::<[u8; KEY_BYTES]>()).into()
}

impl Source {
    /// The keys that are there; none is only an error where `Missing` says so.
    ///
    /// # Errors
    /// All but [`SealedReason::Wrong`].
    pub(super) fn load(&self) -> Result<Vec<MasterKey>, SealedReason> {
        match self {
            Source::Given(text) => {
                let keys = text.expose_secret().split(',').map(MasterKey::parse);
                let keys: Option<Vec<_>> = keys.collect();
                keys.ok_or_else(|| SealedReason::Malformed("DIALTONE_MASTER_KEY".to_owned()))
            }
            Source::Folder(folder) => {
                let files = [FILE, OLD_FILE].map(|name| folder.join(name));
                let keys = files.iter().map(|file| read(file)).collect::<Result<Vec<_>, _>>()?;
                let keys: Vec<_> = keys.into_iter().flatten().collect();
                match keys.is_empty() {
                    true => Err(SealedReason::Missing(files[0].display().to_string())),
                    false => Ok(keys),
                }
            }
        }
    }
}

fn read(file: &Path) -> Result<Option<MasterKey>, SealedReason> {
    let name = || file.display().to_string();
    let text = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(SealedReason::Unreadable(name(), error.to_string())),
    };
    tighten(file);
    let key = std::str::from_utf8(&text).ok().and_then(MasterKey::parse);
    key.map(Some).ok_or_else(|| SealedReason::Malformed(name()))
}

/// A key file that others may read is closed to them, and that is said.
#[cfg(unix)]
fn tighten(file: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let Ok(metadata) = std::fs::metadata(file) else { return };
    if metadata.permissions().mode() & 0o077 == 0 {
        return;
    }
    let closed = std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600));
    tracing::warn!(file = %file.display(), closed = closed.is_ok(), "others could read the master key");
}

#[cfg(not(unix))]
fn tighten(_: &Path) {}

/// Writes a key into a file that is not there yet, readable by its owner alone; false if it is there. Whoever
/// sees the file sees all of it.
pub(super) fn write_new(file: &Path, key: &SecretString) -> io::Result<bool> {
    let draft = draft(file, key)?;
    let linked = std::fs::hard_link(&draft, file);
    std::fs::remove_file(&draft)?;
    sync_folder(file)?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        linked => linked.map(|()| true),
    }
}

/// Writes a key into a file in the place of what is there, all at once.
pub(super) fn replace(file: &Path, key: &SecretString) -> io::Result<()> {
    let draft = draft(file, key)?;
    std::fs::rename(&draft, file)?;
    sync_folder(file)
}

/// A file of another name beside that one, written and flushed.
fn draft(file: &Path, key: &SecretString) -> io::Result<PathBuf> {
    let draft = file.with_extension(format!("draft-{:016x}", rand::random::<u64>()));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut open = options.open(&draft)?;
    open.write_all(key.expose_secret().as_bytes())?;
    open.sync_all()?;
    Ok(draft)
}

/// Removes the drafts that killed processes left in a folder, each of them a key. For the holder of the lock.
pub(super) fn remove_drafts(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| name.starts_with("master.") && name.contains(".draft-")) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// What was linked or renamed in a folder is on the disk only after this.
pub(super) fn sync_folder(file: &Path) -> io::Result<()> {
    match file.parent() {
        Some(folder) => std::fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
