//! What an application has set for the TLS of its sockets (`configure()`): authorities that it
//! trusts besides everybody's, a certificate of its own, a log of keys.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::{fmt, io};

use once_cell::sync::OnceCell;
use rustls::KeyLog;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;

use crate::handshake::Client;
use crate::mailbox::lock;
use crate::verifier;

/// The settings of one instance of the module, and what its handshakes share because of them.
pub(crate) struct TlsSettings {
    pub(crate) authorities: Vec<CertificateDer<'static>>,
    pub(crate) identity: Option<Arc<CertifiedKey>>,
    pub(crate) key_log: Option<Arc<KeyLogFile>>,
    /// Made by the first handshake.
    pub(crate) client: OnceCell<Client>,
}

/// Why something cannot be set.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Problem {
    pub(crate) option: &'static str,
    /// Which certificate of the option, where there are several.
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
    /// Nothing is set.
    pub(crate) const fn none() -> Self {
        Self {
            authorities: Vec::new(),
            identity: None,
            key_log: None,
            client: OnceCell::new(),
        }
    }

    /// Certificates in DER, `key` in PKCS #8; a key belongs to the first certificate of `chain`.
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
            client: OnceCell::new(),
        })
    }
}

fn identity(
    chain: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
) -> Result<Arc<CertifiedKey>, Problem> {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key));
    CertifiedKey::from_der(chain, key, &verifier::provider())
        .map(Arc::new)
        .map_err(|error| Problem::new("clientCertificate", 0, &error))
}

/// The secrets of connections, in the format that Wireshark reads (`SSLKEYLOGFILE`).
#[derive(Debug)]
pub(crate) struct KeyLogFile(Mutex<File>);

impl KeyLogFile {
    /// Appends to the file, which nobody else may read if it is made now.
    fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path).map(|file| Self(Mutex::new(file)))
    }
}

impl KeyLog for KeyLogFile {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let line = format!("{label} {} {}\n", hex(client_random), hex(secret));
        // No connection fails because its keys cannot be written down.
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
    fn what_cannot_be_set_is_named() {
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
        for key in [other_key, vec![1, 2, 3]] {
            let result = new(vec![], vec![good.clone()], Some(key), None);
            assert_eq!(problem(&result), ("clientCertificate", 0));
        }
        assert_eq!(
            problem(&new(vec![], vec![], None, Some(log))),
            ("keyLog", 0)
        );
    }
}
