//! The trusted certificate authorities.
//!
//! The trust store consists of the operating system's store and the files named by `SSL_CERT_FILE`,
//! `SSL_CERT_DIR` and `NODE_EXTRA_CA_CERTS`. Mozilla's list replaces a missing store, as in a
//! minimal container, and completes that of Windows.

mod system_store;

use std::{
    env, fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
};

use once_cell::sync::OnceCell;
use rustls::pki_types::{CertificateDer, TrustAnchor, pem};
use rustls_native_certs::{CertificateResult, ErrorKind, load_certs_from_paths};
use tokio::sync::watch;

use self::system_store::{DIRECTORY_VARIABLE, FILE_VARIABLE, SystemStore};
use crate::net_error::NetError;
use crate::sync::lock;

const EXTRA_VARIABLE: &str = "NODE_EXTRA_CA_CERTS";

static PROCESS_WIDE: OnceCell<Arc<TrustStore>> = OnceCell::new();

/// The trust store of the process. The first call loads it on a thread of its own, because disks
/// may be slow: waiting calls block no thread of the runtime.
///
/// # Errors
///
/// A failure to start the thread or to read the store. The next call tries again.
pub(crate) async fn process_wide() -> Result<&'static Arc<TrustStore>, NetError> {
    static LOADING: Mutex<Option<watch::Receiver<NetError>>> = Mutex::new(None);

    if let Some(store) = PROCESS_WIDE.get() {
        return Ok(store);
    }
    let mut loading = {
        let mut latest = lock(&LOADING);
        match &*latest {
            Some(loading) if loading.has_changed().is_ok() => loading.clone(),
            _ => latest.insert(load_process_wide()?).clone(),
        }
    };
    while loading.changed().await.is_ok() {}
    let error = *loading.borrow();
    PROCESS_WIDE.get().ok_or(error)
}

/// Starts to load the store. The channel closes when that is done, with the error if there was one.
fn load_process_wide() -> Result<watch::Receiver<NetError>, NetError> {
    let (loading, receiver) = watch::channel(NetError::Unexpected);
    let load = move || {
        let store = TrustStore::load(&Sources::from_env(), SystemStore::read);
        match store.incomplete {
            Some(error) => drop(loading.send(error)),
            None => drop(PROCESS_WIDE.set(Arc::new(store))),
        }
    };
    thread::Builder::new()
        .name("chrome-sockets-trust".into())
        .spawn(load)
        .map_err(|_| NetError::InsufficientResources)?;
    Ok(receiver)
}

/// Problems with the files that the environment variables name, one sentence each. Empty until the
/// first TLS handshake has loaded the store.
pub(crate) fn warnings() -> &'static [String] {
    PROCESS_WIDE.get().map_or(&[], |store| &store.warnings)
}

/// The sources of certificates besides the operating system's store.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    file: Option<PathBuf>,
    directories: Vec<PathBuf>,
    extra: Option<PathBuf>,
}

impl Sources {
    /// Only this file.
    #[cfg(any(fuzzing, test))]
    pub(crate) fn extra(file: PathBuf) -> Self {
        Self {
            extra: Some(file),
            ..Self::default()
        }
    }

    fn from_env() -> Self {
        // Node and OpenSSL treat an empty variable as unset.
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

/// A set of certificate authorities.
pub(crate) struct TrustStore {
    anchors: Vec<TrustAnchor<'static>>,
    /// The certificate of each anchor; Mozilla's list has none.
    certificates: Vec<Option<CertificateDer<'static>>>,
    warnings: Vec<String>,
    /// The error that prevented some certificates from being read.
    incomplete: Option<NetError>,
}

impl TrustStore {
    /// Reads the operating system's store and `sources`. Unusable entries are skipped, with a
    /// warning if `sources` named them.
    pub(crate) fn load<S: Into<SystemStore>>(
        sources: &Sources,
        operating_system: impl FnOnce() -> S,
    ) -> Self {
        let mut store = Self {
            anchors: Vec::new(),
            certificates: Vec::new(),
            warnings: Vec::new(),
            incomplete: None,
        };
        let system = operating_system().into();
        store.incomplete = system.found.errors.iter().find_map(exhaustion);
        for certificate in system.found.certs {
            // A store may hold certificates that cannot be parsed. The user cannot act on a
            // warning.
            let _ = store.add(certificate);
        }
        if store.anchors.is_empty() || system.needs_mozilla {
            store.add_mozilla();
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
        for certificate in &system.distrusted {
            store.remove(certificate);
        }
        store
    }

    /// A copy of the store with `certificates` added. Entries that are no certificates are skipped.
    pub(crate) fn with(&self, certificates: &[CertificateDer<'static>]) -> Self {
        let mut store = Self {
            anchors: self.anchors.clone(),
            certificates: self.certificates.clone(),
            warnings: Vec::new(),
            incomplete: self.incomplete,
        };
        for certificate in certificates {
            let _ = store.add(certificate.clone());
        }
        store
    }

    fn add_named(&mut self, variable: &str, path: &Path, found: CertificateResult) {
        for error in found.errors {
            self.incomplete = self.incomplete.or_else(|| exhaustion(&error));
            self.warn(variable, path, &reason(&error));
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

    /// Adds the authorities of Mozilla's list that the store lacks.
    fn add_mozilla(&mut self) {
        for root in webpki_roots::TLS_SERVER_ROOTS {
            let mut known = self.anchors.iter();
            if !known.any(|anchor| is_same_authority(anchor, root)) {
                self.anchors.push(root.clone());
                self.certificates.push(None);
            }
        }
    }

    /// Removes an authority, whichever of its certificates made it trusted.
    fn remove(&mut self, certificate: &CertificateDer<'_>) {
        let Ok(distrusted) = webpki::anchor_from_trusted_cert(certificate) else {
            return;
        };
        let pairs = self.anchors.drain(..).zip(self.certificates.drain(..));
        (self.anchors, self.certificates) = pairs
            .filter(|(anchor, _)| !is_same_authority(anchor, &distrusted))
            .collect();
    }

    fn warn(&mut self, variable: &str, path: &Path, what: &dyn fmt::Display) {
        self.warnings
            .push(format!("{variable}: {}{what}", shown(path)));
    }

    /// The anchors at which a certificate path may end.
    #[cfg(any(fuzzing, test))]
    pub(crate) fn anchors(&self) -> &[TrustAnchor<'static>] {
        &self.anchors
    }

    /// The anchors at which a certificate path may end, each with the certificate from which it was
    /// made, if known.
    pub(crate) fn authorities(
        &self,
    ) -> impl Iterator<Item = (&TrustAnchor<'static>, Option<&CertificateDer<'static>>)> {
        let certificates = self.certificates.iter().map(Option::as_ref);
        self.anchors.iter().zip(certificates)
    }

    /// Whether the store contains exactly this certificate.
    pub(crate) fn contains(&self, certificate: &CertificateDer<'_>) -> bool {
        let mut known = self.certificates.iter().flatten();
        known.any(|known| known.as_ref() == certificate.as_ref())
    }
}

/// Whether both anchors have the same name and key.
fn is_same_authority(one: &TrustAnchor<'_>, other: &TrustAnchor<'_>) -> bool {
    one.subject == other.subject && one.subject_public_key_info == other.subject_public_key_info
}

/// Why a file could not be read, without quoting it: it may hold a key, and the error of a damaged
/// line quotes that line.
fn reason(error: &rustls_native_certs::Error) -> String {
    match &error.kind {
        ErrorKind::Io { inner, .. } | ErrorKind::Pem(pem::Error::Io(inner)) => {
            format!("failed to read it: {inner}")
        }
        ErrorKind::Pem(error) => format!("failed to read PEM: {}", pem_problem(error)),
        _ => error.context.to_owned(),
    }
}

fn pem_problem(error: &pem::Error) -> &'static str {
    match error {
        pem::Error::MissingSectionEnd { .. } => "a section has no end",
        pem::Error::IllegalSectionStart { .. } => "the first line of a section is damaged",
        pem::Error::Base64Decode(_) => "a section is not in base64",
        _ => "not in the format",
    }
}

/// The path and a colon, unless it is no plausible path: a variable may hold a key by mistake.
fn shown(path: &Path) -> String {
    let first = path.iter().nth(1).map(|first| Path::new("/").join(first));
    let is_rooted =
        path.is_absolute() && (cfg!(windows) || first.is_some_and(|path| path.exists()));
    if !is_rooted && path.extension().is_none() && !path.exists() {
        return String::new();
    }
    // Control characters could forge lines of a log.
    let printable = |character: char| {
        if character.is_control() {
            character.escape_default().collect()
        } else {
            String::from(character)
        }
    };
    let path: String = path.display().to_string().chars().map(printable).collect();
    path + ": "
}

/// Whether `error` reports exhausted descriptors or memory rather than a problem with the file.
fn exhaustion(error: &rustls_native_certs::Error) -> Option<NetError> {
    let (ErrorKind::Io { inner: error, .. } | ErrorKind::Pem(pem::Error::Io(error))) = &error.kind
    else {
        return None;
    };
    Some(NetError::from_io(error)).filter(|error| {
        matches!(
            error,
            NetError::InsufficientResources | NetError::OutOfMemory
        )
    })
}

impl fmt::Debug for TrustStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustStore")
            .field("anchors", &self.anchors.len())
            .field("warnings", &self.warnings)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs, process,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    /// A directory that is removed at the end of the test.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new() -> Self {
            static COUNT: AtomicUsize = AtomicUsize::new(0);
            let name = format!(
                "chrome-sockets-tcp-{}-{}",
                process::id(),
                COUNT.fetch_add(1, Ordering::Relaxed)
            );
            let path = env::temp_dir().join(name);
            fs::create_dir(&path).unwrap();
            Self(path)
        }

        fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
            let path = self.0.join(name);
            fs::write(&path, content).unwrap();
            path
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    /// A certificate and its PEM.
    fn certificate() -> (CertificateDer<'static>, String) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::default().self_signed(&key).unwrap();
        (certificate.der().clone(), certificate.pem())
    }

    fn store_of(certificates: &[CertificateDer<'static>]) -> impl FnOnce() -> CertificateResult {
        let mut result = CertificateResult::default();
        result.certs = certificates.to_vec();
        || result
    }

    #[test]
    fn named_files_and_directories_are_added_to_the_operating_systems_store() {
        let scratch = Scratch::new();
        let [system, file, second, extra, entry, other] = [(); 6].map(|()| certificate());
        fs::create_dir(scratch.0.join("first")).unwrap();
        fs::create_dir(scratch.0.join("second")).unwrap();
        scratch.file("first/entry.pem", &entry.1);
        scratch.file("second/other.0", &other.1);
        let sources = Sources {
            file: Some(scratch.file("bundle.pem", format!("# two\n{}\n{}", file.1, second.1))),
            directories: vec![scratch.0.join("first"), scratch.0.join("second")],
            extra: Some(scratch.file("extra.pem", &extra.1)),
        };
        let store = TrustStore::load(&sources, store_of(std::slice::from_ref(&system.0)));
        for (certificate, _) in [&system, &file, &second, &extra, &entry, &other] {
            assert!(store.contains(certificate));
        }
        assert_eq!(store.anchors().len(), 6);
        assert_eq!(store.warnings, Vec::<String>::new());
    }

    #[test]
    fn a_certificate_that_is_named_twice_is_added_once() {
        let scratch = Scratch::new();
        let (der, pem) = certificate();
        let file = scratch.file("bundle.pem", pem.repeat(3));
        let sources = Sources {
            file: Some(file.clone()),
            directories: vec![scratch.0.clone()],
            extra: Some(file),
        };
        let store = TrustStore::load(&sources, store_of(&[der.clone(), der]));
        assert_eq!(store.anchors().len(), 1);
    }

    #[test]
    fn mozillas_list_replaces_only_an_empty_store() {
        let mozilla = webpki_roots::TLS_SERVER_ROOTS.len();
        let empty = TrustStore::load(&Sources::default(), store_of(&[]));
        assert_eq!(empty.anchors().len(), mozilla);

        let scratch = Scratch::new();
        let (der, pem) = certificate();
        let extra = Some(scratch.file("extra.pem", pem));
        let sources = Sources {
            extra,
            ..Sources::default()
        };
        let with_extra = TrustStore::load(&sources, store_of(&[]));
        assert_eq!(with_extra.anchors().len(), mozilla + 1);
        assert!(with_extra.contains(&der));
        let certificates: Vec<_> = with_extra.authorities().map(|(_, known)| known).collect();
        let (last, others) = certificates.split_last().unwrap();
        assert_eq!(*last, Some(&der));
        assert!(others.iter().all(Option::is_none));

        let filled = TrustStore::load(&Sources::default(), store_of(&[der]));
        assert_eq!(filled.anchors().len(), 1);
    }

    #[test]
    fn mozillas_list_completes_a_store_that_is_filled_on_demand() {
        let mozilla = webpki_roots::TLS_SERVER_ROOTS.len();
        let (der, _) = certificate();
        let store = TrustStore::load(&Sources::default(), || SystemStore {
            needs_mozilla: true,
            ..store_of(std::slice::from_ref(&der))().into()
        });
        assert!(store.contains(&der));
        assert_eq!(store.anchors().len(), mozilla + 1);
        assert_eq!(store.authorities().count(), mozilla + 1);
        let mut completed = store.with(&[]);
        completed.add_mozilla();
        assert_eq!(completed.anchors().len(), mozilla + 1);
    }

    #[test]
    fn a_distrusted_authority_is_refused_from_every_source() {
        let scratch = Scratch::new();
        let [(good, _), (bad, pem)] = [(); 2].map(|()| certificate());
        let sources = Sources {
            extra: Some(scratch.file("extra.pem", pem)),
            ..Sources::default()
        };
        let store = TrustStore::load(&sources, || SystemStore {
            distrusted: vec![bad.clone(), CertificateDer::from(vec![0])],
            ..store_of(&[good.clone(), bad.clone()])().into()
        });
        assert!(store.contains(&good) && !store.contains(&bad));
        assert_eq!(store.authorities().count(), 1);
    }

    #[test]
    fn unreadable_certificates_are_skipped_with_a_warning() {
        let scratch = Scratch::new();
        let (der, _) = certificate();
        let begin_end =
            |text| format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
        // The words are the operating system's.
        let missing = fs::read(scratch.0.join("missing.pem")).unwrap_err();
        let missing = missing.to_string();
        let table = [
            ("missing.pem", None, missing.as_str()),
            ("empty.pem", Some(String::new()), "no certificate in it"),
            ("text.pem", Some("hello".into()), "no certificate in it"),
            ("base64.pem", Some(begin_end("!!!!")), "failed to read PEM"),
            (
                "open.pem",
                Some("-----BEGIN CERTIFICATE-----\nAAAA\n".into()),
                "failed to read PEM",
            ),
            ("der.pem", Some(begin_end("AAAA")), "TrailingData"),
        ];
        for (name, content, reason) in table {
            let path = match content {
                Some(content) => scratch.file(name, content),
                None => scratch.0.join(name),
            };
            let sources = Sources {
                extra: Some(path.clone()),
                ..Sources::default()
            };
            let store = TrustStore::load(&sources, store_of(std::slice::from_ref(&der)));
            let [warning] = store.warnings.as_slice() else {
                panic!("{name}: {:?}", store.warnings);
            };
            let start = format!("NODE_EXTRA_CA_CERTS: {}: ", path.display());
            assert!(warning.starts_with(&start), "{warning}");
            assert!(warning.contains(reason), "{warning}");
            assert_eq!(store.anchors().len(), 1, "{name}");
        }
    }

    #[test]
    fn a_key_in_the_place_of_certificates_is_not_quoted() {
        let scratch = Scratch::new();
        let key = KeyPair::generate().unwrap().serialize_pem();
        let body: String = key.lines().filter(|line| !line.starts_with('-')).collect();
        let damaged = [
            format!("-----BEGIN PRIVATE KEY---{body}\n-----END PRIVATE KEY-----\n"),
            format!("-----BEGIN CERTIFICATE-----\n{body}"),
            format!("-----BEGIN {body}-----\nAAAA\n"),
            key.clone(),
        ];
        let mut paths: Vec<PathBuf> = damaged
            .iter()
            .enumerate()
            .map(|(index, text)| scratch.file(&format!("{index}.pem"), text))
            .collect();
        paths.extend([body.clone().into(), key.into()]);
        for path in paths {
            let sources = Sources {
                directories: vec![path.clone()],
                file: Some(path.clone()),
                extra: Some(path),
            };
            let warnings = TrustStore::load(&sources, store_of(&[])).warnings.concat();
            assert!(!warnings.is_empty());
            for piece in body.as_bytes().windows(8) {
                assert!(
                    !warnings.contains(str::from_utf8(piece).unwrap()),
                    "{warnings}"
                );
                let bytes = format!("{piece:?}");
                assert!(
                    !warnings.contains(bytes.trim_matches(['[', ']'])),
                    "{warnings}"
                );
            }
        }
    }

    #[test]
    fn control_characters_of_a_path_are_escaped() {
        let sources = Sources {
            extra: Some("/tmp/a\nSSL_CERT_FILE: forged\u{1b}[2J.pem".into()),
            ..Sources::default()
        };
        let store = TrustStore::load(&sources, store_of(&[]));
        let [warning] = store.warnings.as_slice() else {
            panic!("{:?}", store.warnings);
        };
        assert!(!warning.chars().any(char::is_control), "{warning}");
        assert!(warning.starts_with("NODE_EXTRA_CA_CERTS: /tmp/a\\nSSL_CERT_FILE: forged"));
    }

    #[test]
    fn every_variable_is_named_in_its_warning() {
        let sources = Sources {
            file: Some("no.file".into()),
            directories: vec!["no.directory".into(), "nor.this".into()],
            extra: Some("no.extra".into()),
        };
        let store = TrustStore::load(&sources, store_of(&[]));
        let starts = [
            "SSL_CERT_FILE: no.file: ",
            "NODE_EXTRA_CA_CERTS: no.extra: ",
            "SSL_CERT_DIR: no.directory: ",
            "SSL_CERT_DIR: nor.this: ",
        ];
        assert_eq!(store.warnings.len(), starts.len());
        for (warning, start) in store.warnings.iter().zip(starts) {
            assert!(warning.starts_with(start), "{warning}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_store_that_failed_for_lack_of_descriptors_is_not_cached() {
        let failing = |errno| {
            let mut result = CertificateResult::default();
            result.errors.push(rustls_native_certs::Error {
                context: "",
                kind: ErrorKind::Io {
                    inner: std::io::Error::from_raw_os_error(errno),
                    path: PathBuf::new(),
                },
            });
            move || result
        };
        let full = TrustStore::load(&Sources::default(), failing(libc::EMFILE));
        assert_eq!(full.incomplete, Some(NetError::InsufficientResources));
        let absent = TrustStore::load(&Sources::default(), failing(libc::ENOENT));
        assert_eq!(absent.incomplete, None);
    }

    #[test]
    fn a_good_certificate_beside_a_bad_one_is_used() {
        let scratch = Scratch::new();
        let (der, pem) = certificate();
        let mixed =
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned() + &pem;
        let sources = Sources {
            file: Some(scratch.file("mixed.pem", mixed)),
            ..Sources::default()
        };
        let store = TrustStore::load(&sources, store_of(&[]));
        assert!(store.contains(&der));
        assert_eq!(store.warnings.len(), 1);
    }
}
