//! The key of a site's marks, a file of the state directory: made once, never replaced, so that
//! marks of all fetches compare.

use std::io;
use std::path::Path;

use farwatch_common::file::{create_private, read_if_present};

use super::redact::SiteKey;
use crate::platform::private_dir;

const KEY_FILE: &str = "history.key";

/// Reads the key, or makes it.
pub fn load(dir: &Path) -> io::Result<SiteKey> {
    let path = dir.join(KEY_FILE);
    if read_if_present(&path)?.is_none() {
        private_dir(dir)?;
        // Another process may be first; then its key counts.
        create_private(&path, &rand::random::<[u8; SiteKey::BYTES]>())?;
    }
    let bytes = read_if_present(&path)?.unwrap_or_default();
    let bytes = <[u8; SiteKey::BYTES]>::try_from(bytes).map_err(|_| {
        io::Error::new(io::ErrorKind::InvalidData, format!("{} is damaged", path.display()))
    })?;
    Ok(SiteKey::new(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::platform::Platforms;
    use crate::history::redact::redact;

    #[test]
    fn the_key_is_made_once() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        let platforms = Platforms::embedded();
        let marked = || {
            let key = load(&state).unwrap();
            redact(platforms, platforms.get("ios").unwrap(), &key, "enable password canary")
        };
        assert_eq!(marked(), marked());
        std::fs::write(state.join(KEY_FILE), "short").unwrap();
        assert!(load(&state).unwrap_err().to_string().contains("damaged"));
    }
}
