//! The operating system's own certificates, independent of `SSL_CERT_FILE` and `SSL_CERT_DIR`.
//!
//! `rustls-native-certs` reads the variables *instead of* the system's store; this module adds them.

#[cfg(all(unix, not(target_os = "macos")))]
use std::env;
#[cfg(any(windows, test))]
use std::io;

use rustls::pki_types::CertificateDer;
use rustls_native_certs::CertificateResult;

pub(super) const FILE_VARIABLE: &str = "SSL_CERT_FILE";
pub(super) const DIRECTORY_VARIABLE: &str = "SSL_CERT_DIR";

/// The authorities that the operating system trusts and distrusts.
#[derive(Debug, Default)]
pub(crate) struct SystemStore {
    pub(super) found: CertificateResult,
    /// Authorities that no source may make trusted.
    pub(super) distrusted: Vec<CertificateDer<'static>>,
    /// Whether the store lacks most authorities, so that Mozilla's list is needed beside it.
    pub(super) needs_mozilla: bool,
}

impl From<CertificateResult> for SystemStore {
    fn from(found: CertificateResult) -> Self {
        Self {
            found,
            ..Self::default()
        }
    }
}

impl SystemStore {
    /// Reads the store.
    #[cfg(all(unix, not(target_os = "macos")))]
    pub(super) fn read() -> Self {
        if env::var_os(FILE_VARIABLE).is_none() && env::var_os(DIRECTORY_VARIABLE).is_none() {
            return rustls_native_certs::load_native_certs().into();
        }
        let mut result = CertificateResult::default();
        for directory in openssl_probe::candidate_cert_dirs() {
            let mut found = rustls_native_certs::load_certs_from_paths(None, Some(directory));
            result.certs.append(&mut found.certs);
            result.errors.append(&mut found.errors);
        }
        result.into()
    }

    /// Reads the keychains. As in Chromium's `trust_store_mac.cc`, the settings of the user come
    /// before those of the administrator, which come before the system's.
    #[cfg(target_os = "macos")]
    pub(super) fn read() -> Self {
        use std::collections::HashMap;

        use security_framework::trust_settings::{Domain, TrustSettings};

        let mut verdicts = HashMap::new();
        for domain in [Domain::User, Domain::Admin, Domain::System] {
            let settings = TrustSettings::new(domain);
            // A domain without settings is an error.
            for certificate in settings.iter().into_iter().flatten() {
                if let Ok(setting) = settings.tls_trust_settings_for_certificate(&certificate) {
                    verdicts.entry(certificate.to_der()).or_insert(setting);
                }
            }
        }
        let mut store = Self::default();
        for (der, setting) in verdicts {
            use security_framework::trust_settings::TrustSettingsForCertificate as Setting;
            match setting {
                None | Some(Setting::TrustRoot | Setting::TrustAsRoot) => {
                    store.found.certs.push(der.into());
                }
                Some(Setting::Deny) => store.distrusted.push(der.into()),
                Some(_) => {}
            }
        }
        store
    }

    /// Reads the stores of the current user, which include those of the machine.
    ///
    /// Windows adds most of its roots only when `CryptoAPI` verifies a certificate that needs them,
    /// so its store is no full list. Chromium has a root store of its own, to which it adds the
    /// user's roots (`trust_store_win.cc`); here Mozilla's list is in that place.
    #[cfg(windows)]
    pub(super) fn read() -> Self {
        use schannel::{cert_context::ValidUses, cert_store::CertStore};

        let mut store = Self {
            needs_mozilla: true,
            ..Self::default()
        };
        if let Ok(roots) = CertStore::open_current_user("ROOT") {
            for root in roots.certs() {
                let purposes = root.valid_uses().map(|uses| match uses {
                    ValidUses::All => None,
                    ValidUses::Oids(listed) => Some(listed),
                });
                if is_for_servers(&purposes) && root.is_time_valid().unwrap_or(false) {
                    store.found.certs.push(root.to_der().to_vec().into());
                }
            }
        }
        if let Ok(disallowed) = CertStore::open_current_user("Disallowed") {
            let certificates = disallowed.certs();
            store.distrusted = certificates
                .map(|certificate| certificate.to_der().to_vec().into())
                .collect();
        }
        store
    }
}

/// Whether a root of Windows may verify servers. A root whose purposes cannot be read may not, as
/// in `IsCertTrustedForServerAuth` of Chromium.
#[cfg(any(windows, test))]
fn is_for_servers(purposes: &io::Result<Option<Vec<String>>>) -> bool {
    const SERVER_AUTHENTICATION: &str = "1.3.6.1.5.5.7.3.1";
    const ANY_PURPOSE: &str = "2.5.29.37.0";

    match purposes {
        Ok(None) => true,
        Ok(Some(listed)) => listed
            .iter()
            .any(|purpose| [SERVER_AUTHENTICATION, ANY_PURPOSE].contains(&purpose.as_str())),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, env, process::Command, thread};

    use super::*;

    #[test]
    fn a_root_is_used_for_its_purposes_and_an_unreadable_one_is_skipped() {
        let listed = |purposes: &[&str]| {
            let purposes = purposes.iter().copied().map(String::from);
            Ok(Some(purposes.collect()))
        };
        let email = "1.3.6.1.5.5.7.3.4";
        for (purposes, expected) in [
            (Ok(None), true),
            (listed(&[email, "1.3.6.1.5.5.7.3.1"]), true),
            (listed(&["2.5.29.37.0"]), true),
            (listed(&[email]), false),
            (listed(&[]), false),
            (Err(io::ErrorKind::InvalidData.into()), false),
        ] {
            assert_eq!(is_for_servers(&purposes), expected, "{purposes:?}");
        }
    }

    /// Runs in a process of its own, because the variables belong to the process.
    #[test]
    fn the_variables_do_not_replace_the_store() {
        const ALONE: &str = "TEST_OF_THE_SYSTEM_STORE";
        let found = || {
            let found = SystemStore::read().found.certs;
            let distinct: HashSet<&[u8]> = found.iter().map(AsRef::as_ref).collect();
            distinct.len()
        };
        if let Some(expected) = env::var_os(ALONE) {
            return assert_eq!(found().to_string(), expected.to_str().unwrap());
        }
        let name = thread::current().name().unwrap().to_owned();
        for variable in [FILE_VARIABLE, DIRECTORY_VARIABLE] {
            let output = Command::new(env::current_exe().unwrap())
                .args(["--exact", &name])
                .env(ALONE, found().to_string())
                .env(variable, "no.such.file")
                .output()
                .unwrap();
            let report = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{report}");
            assert!(report.contains("1 passed"), "{report}");
        }
    }
}
