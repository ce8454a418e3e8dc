//! Which certificate authorities are believed.
//!
//! The operating system's store, plus whatever `SSL_CERT_FILE`, `SSL_CERT_DIR` and
//! `NODE_EXTRA_CA_CERTS` name. Where the operating system has no store at all (a bare container),
//! Mozilla's list takes its place.

use std::{
    env, fmt,
    path::{Path, PathBuf},
    ptr,
    sync::Arc,
};

use once_cell::sync::OnceCell;
use rustls::pki_types::{CertificateDer, TrustAnchor};
use rustls_native_certs::{CertificateResult, load_certs_from_paths, load_native_certs};

const FILE_VARIABLE: &str = "SSL_CERT_FILE";
const DIRECTORY_VARIABLE: &str = "SSL_CERT_DIR";
const EXTRA_VARIABLE: &str = "NODE_EXTRA_CA_CERTS";

static PROCESS_WIDE: OnceCell<Arc<TrustStore>> = OnceCell::new();

/// The store of this process, loaded by the first call. Reads files: not for the JavaScript thread.
pub(crate) fn process_wide() -> &'static Arc<TrustStore> {
    PROCESS_WIDE.get_or_init(|| {
        Arc::new(TrustStore::load(
            &Sources::from_env(),
            operating_system_store,
        ))
    })
}

/// What was wrong with the files that the environment variables name, one sentence each. Empty
/// until the first TLS handshake has loaded the store.
pub(crate) fn warnings() -> &'static [String] {
    PROCESS_WIDE.get().map_or(&[], |store| &store.warnings)
}

/// Where certificates are read from besides the operating system's store.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    file: Option<PathBuf>,
    directories: Vec<PathBuf>,
    extra: Option<PathBuf>,
}

impl Sources {
    fn from_env() -> Self {
        // Node and OpenSSL take an empty variable as an absent one.
        let path = |name| {
            env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        Self {
            file: path(FILE_VARIABLE),
            directories: env::var_os(DIRECTORY_VARIABLE)
                .map(|value| env::split_paths(&value).collect::<Vec<_>>())
                .unwrap_or_default()
                .into_iter()
                .filter(|directory| !directory.as_os_str().is_empty())
                .collect(),
            extra: path(EXTRA_VARIABLE),
        }
    }
}

/// The operating system's own certificates, whatever the environment variables say.
///
/// `rustls-native-certs` reads the variables *instead of* the store; here they come on top.
#[cfg(all(unix, not(target_os = "macos")))]
fn operating_system_store() -> CertificateResult {
    if env::var_os(FILE_VARIABLE).is_none() && env::var_os(DIRECTORY_VARIABLE).is_none() {
        return load_native_certs();
    }
    let mut result = CertificateResult::default();
    for directory in openssl_probe::candidate_cert_dirs() {
        let mut found = load_certs_from_paths(None, Some(directory));
        result.certs.append(&mut found.certs);
        result.errors.append(&mut found.errors);
    }
    result
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn operating_system_store() -> CertificateResult {
    load_native_certs()
}

/// A set of certificate authorities.
pub(crate) struct TrustStore {
    anchors: Vec<TrustAnchor<'static>>,
    /// The certificate of each anchor; Mozilla's list comes without them.
    certificates: Vec<Option<CertificateDer<'static>>>,
    warnings: Vec<String>,
}

impl TrustStore {
    /// Reads the operating system's store and `sources`. Whatever cannot be used is left out;
    /// if `sources` asked for it, a warning says so.
    pub(crate) fn load(
        sources: &Sources,
        operating_system: impl FnOnce() -> CertificateResult,
    ) -> Self {
        let mut store = Self {
            anchors: Vec::new(),
            certificates: Vec::new(),
            warnings: Vec::new(),
        };
        for certificate in operating_system().certs {
            // A store may hold certificates that cannot be parsed; nobody can do anything about it.
            let _ = store.add(certificate);
        }
        if store.anchors.is_empty() {
            store
                .anchors
                .extend_from_slice(webpki_roots::TLS_SERVER_ROOTS);
            store.certificates.resize(store.anchors.len(), None);
        }
        for (variable, file) in [
            (FILE_VARIABLE, &sources.file),
            (EXTRA_VARIABLE, &sources.extra),
        ] {
            if let Some(file) = file {
                let found = load_certs_from_paths(Some(file), None);
                if found.certs.is_empty() && found.errors.is_empty() {
                    store.warn(variable, file, &"no certificate in it");
                }
                store.add_named(variable, file, found);
            }
        }
        for directory in &sources.directories {
            let found = load_certs_from_paths(None, Some(directory));
            store.add_named(DIRECTORY_VARIABLE, directory, found);
        }
        store
    }

    fn add_named(&mut self, variable: &str, path: &Path, found: CertificateResult) {
        for error in found.errors {
            self.warn(variable, path, &error);
        }
        for certificate in found.certs {
            if let Err(error) = self.add(certificate) {
                self.warn(variable, path, &error);
            }
        }
    }

    fn add(&mut self, certificate: CertificateDer<'static>) -> Result<(), webpki::Error> {
        let anchor = webpki::anchor_from_trusted_cert(&certificate)?.to_owned();
        if !self.contains(&certificate) {
            self.anchors.push(anchor);
            self.certificates.push(Some(certificate));
        }
        Ok(())
    }

    fn warn(&mut self, variable: &str, path: &Path, what: &dyn fmt::Display) {
        self.warnings
            .push(format!("{variable}: {}: {what}", path.display()));
    }

    /// What certificate paths may end in.
    pub(crate) fn anchors(&self) -> &[TrustAnchor<'static>] {
        &self.anchors
    }

    /// The certificate that this element of [`anchors`](Self::anchors) was made from, if known.
    pub(crate) fn certificate_of(&self, anchor: &TrustAnchor<'_>) -> Option<&CertificateDer<'_>> {
        let mut anchors = self.anchors.iter();
        let index = anchors.position(|known| ptr::addr_eq(known, anchor))?;
        self.certificates.get(index)?.as_ref()
    }

    /// Whether this very certificate is in the store.
    pub(crate) fn contains(&self, certificate: &CertificateDer<'_>) -> bool {
        let mut known = self.certificates.iter().flatten();
        known.any(|known| known.as_ref() == certificate.as_ref())
    }
}

impl fmt::Debug for TrustStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustStore")
            .field("anchors", &self.anchors.len())
            .field("warnings", &self.warnings)
            .finish_non_exhaustive()
    }
}
