//! The TLS settings of an application (`configure()`): additional authorities, a client
//! certificate, a key log.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::{fmt, io};

use rustls::KeyLog;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;

use crate::sync::lock;
use crate::tls::verifier;

/// The settings of one instance of the module.
pub(crate) struct TlsSettings {
    pub(crate) authorities: Vec<CertificateDer<'static>>,
    pub(crate) identity: Option<Arc<CertifiedKey>>,
    pub(crate) key_log: Option<Arc<KeyLogFile>>,
}

/// The reason why a setting is invalid.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Problem {
    pub(crate) option: &'static str,
    /// The index of the certificate within the option.
    pub(crate) index: usize,
    pub(crate) reason: String,
}

impl Problem {
    fn new(option: &'static str, index: usize, reason: &dyn fmt::Display) -> Self {
        Self {
            option,
            index,
            reason: reason.to_string(),
        }
    }
}

impl TlsSettings {
    /// No settings.
    pub(crate) const fn none() -> Self {
        Self {
            authorities: Vec::new(),
            identity: None,
            key_log: None,
        }
    }

    /// Takes certificates in DER and `key` in PKCS #8, which belongs to the first certificate of
    /// `chain`.
    pub(crate) fn new(
        authorities: Vec<CertificateDer<'static>>,
        chain: Vec<CertificateDer<'static>>,
        key: Option<Vec<u8>>,
        key_log: Option<&Path>,
    ) -> Result<Self, Problem> {
        for (index, authority) in authorities.iter().enumerate() {
            if let Err(error) = webpki::anchor_from_trusted_cert(authority) {
                return Err(Problem::new("ca", index, &error));
            }
        }
        let identity = match key {
            None => None,
            Some(key) => Some(identity(chain, key)?),
        };
        let key_log = match key_log {
            None => None,
            Some(path) => Some(Arc::new(
                KeyLogFile::open(path).map_err(|error| Problem::new("keyLog", 0, &error))?,
            )),
        };
        Ok(Self {
            authorities,
            identity,
            key_log,
        })
    }
}

fn identity(
    chain: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
) -> Result<Arc<CertifiedKey>, Problem> {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key));
    let key = verifier::provider()
        .key_provider
        .load_private_key(key)
        .map_err(|error| Problem::new("clientCertificate.key", 0, &error))?;
    let identity = CertifiedKey::new(chain, key);
    identity
        .keys_match()
        .map_err(|error| Problem::new("clientCertificate", 0, &error))?;
    Ok(Arc::new(identity))
}

/// A log of TLS secrets in the format of Wireshark (`SSLKEYLOGFILE`).
#[derive(Debug)]
pub(crate) struct KeyLogFile(Mutex<File>);

impl KeyLogFile {
    /// Appends to a file that only its owner can read: it is created so, and made so if it exists. A
    /// link at the end of the path is not followed, because it can lead to a file that others read.
    fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        restrict(&mut options);
        if path.is_symlink() {
            return Err(refusal("it is a link, which is not followed"));
        }
        let file = options.open(path)?;
        // A pipe or terminal would block the JavaScript thread.
        if !file.metadata()?.is_file() {
            return Err(refusal("it is not a regular file"));
        }
        make_private(&file)?;
        Ok(Self(Mutex::new(file)))
    }
}

fn refusal(reason: &str) -> io::Error {
    io::Error::other(reason)
}

#[cfg(unix)]
fn restrict(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;
    options
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
}

#[cfg(unix)]
fn make_private(file: &File) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let metadata = file.metadata()?;
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(refusal("it belongs to another user"));
    }
    if metadata.nlink() > 1 {
        return Err(refusal("it has several names (hard links)"));
    }
    let rights_of_others = metadata.mode() & 0o077;
    if rights_of_others == 0 {
        return Ok(());
    }
    file.set_permissions(PermissionsExt::from_mode(0o600))
        .map_err(|error| {
            refusal(&format!(
                "others may read it, and that cannot be changed: {error}"
            ))
        })
}

#[cfg(windows)]
fn restrict(options: &mut OpenOptions) {
    const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
    std::os::windows::fs::OpenOptionsExt::custom_flags(options, FILE_FLAG_OPEN_REPARSE_POINT);
}

/// The file has the access list of its directory.
#[cfg(windows)]
#[expect(clippy::unnecessary_wraps, reason = "the signature is that of Unix")]
fn make_private(_file: &File) -> io::Result<()> {
    Ok(())
}

impl KeyLog for KeyLogFile {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let line = format!("{label} {} {}\n", hex(client_random), hex(secret));
        // A connection does not fail because its keys cannot be logged.
        let _ = lock(&self.0).write_all(line.as_bytes());
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn certificate() -> (CertificateDer<'static>, Vec<u8>) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::default().self_signed(&key).unwrap();
        (certificate.der().clone(), key.serialize_der())
    }

    fn problem(result: &Result<TlsSettings, Problem>) -> (&'static str, usize) {
        let Err(Problem { option, index, .. }) = result else {
            panic!("accepted")
        };
        (option, *index)
    }

    #[test]
    #[cfg(unix)]
    fn a_key_log_is_private_and_not_a_link() {
        use std::fs::{self, Permissions};
        use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

        let directory = std::env::temp_dir().join(format!("key-log-{}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        let within = |name: &str| directory.join(name);
        let permissions = |name| fs::metadata(within(name)).unwrap().mode() & 0o777;
        let refusal = |name| KeyLogFile::open(&within(name)).unwrap_err().to_string();

        assert!(KeyLogFile::open(&within("new")).is_ok());
        assert_eq!(permissions("new"), 0o600);
        fs::set_permissions(within("new"), Permissions::from_mode(0o664)).unwrap();
        assert!(KeyLogFile::open(&within("new")).is_ok());
        assert_eq!(permissions("new"), 0o600);

        symlink(within("new"), within("link")).unwrap();
        symlink(within("missing"), within("dangling")).unwrap();
        for name in ["link", "dangling"] {
            assert_eq!(refusal(name), "it is a link, which is not followed");
        }
        assert!(!within("missing").exists());
        let made = std::process::Command::new("mkfifo")
            .arg(within("pipe"))
            .status();
        assert!(made.unwrap().success());
        assert!(KeyLogFile::open(&within("pipe")).is_err());
        fs::hard_link(within("new"), within("other name")).unwrap();
        assert_eq!(refusal("new"), "it has several names (hard links)");
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn an_invalid_setting_is_named() {
        let (good, key) = certificate();
        let (_, other_key) = certificate();
        let bad = CertificateDer::from(vec![0x30, 0]);
        let log = Path::new("/no/such/directory/keys");
        let new = TlsSettings::new;
        assert!(new(vec![good.clone()], vec![good.clone()], Some(key), None).is_ok());
        assert_eq!(
            problem(&new(vec![good.clone(), bad], vec![], None, None)),
            ("ca", 1)
        );
        let result = new(vec![], vec![good.clone()], Some(other_key), None);
        assert_eq!(problem(&result), ("clientCertificate", 0));
        let result = new(vec![], vec![good.clone()], Some(vec![1, 2, 3]), None);
        assert_eq!(problem(&result), ("clientCertificate.key", 0));
        assert_eq!(
            problem(&new(vec![], vec![], None, Some(log))),
            ("keyLog", 0)
        );
    }
}
