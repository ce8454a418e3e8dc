//! The settings of an environment.

use std::path::Path;
use std::time::Duration;

use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use rustls::pki_types::CertificateDer;

use super::TcpSockets;
use crate::sync::lock;
use crate::tls::handshake::TlsContext;
use crate::tls::settings::{Problem, TlsSettings};

#[napi]
impl TcpSockets {
    /// Replaces the TLS settings for later `secure()` calls: certificates in DER, additional
    /// authorities in `ca`, `key` in PKCS #8, `key_log` a path. On error, the settings stay
    /// unchanged and the problem is returned.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "Node-API hands over owned values"
    )]
    #[napi(catch_unwind)]
    #[must_use]
    pub fn configure_tls(
        &self,
        ca: Vec<Uint8Array>,
        certificate: Vec<Uint8Array>,
        key: Option<Uint8Array>,
        key_log: Option<String>,
    ) -> Option<ConfigurationProblem> {
        let certificates = |list: Vec<Uint8Array>| {
            let owned = list.into_iter().map(|der| der.to_vec().into());
            owned.collect::<Vec<CertificateDer<'static>>>()
        };
        let settings = TlsSettings::new(
            certificates(ca),
            certificates(certificate),
            key.map(|key| key.to_vec()),
            key_log.as_deref().map(Path::new),
        );
        match settings {
            Ok(settings) => {
                lock(&self.table).set_tls(TlsContext::new(settings));
                None
            }
            Err(problem) => Some(problem.into()),
        }
    }

    /// Limits the duration of `connect()`, in milliseconds; null for no limit.
    #[napi(catch_unwind)]
    pub fn limit_connect(&self, milliseconds: Option<u32>) {
        let limit = milliseconds.map(|number| Duration::from_millis(number.into()));
        lock(&self.table).limit_connect(limit);
    }

    /// Limits the number of sockets; null for no limit. Existing sockets stay.
    #[napi(catch_unwind)]
    pub fn limit_sockets(&self, count: Option<u32>) {
        let limit = count.map(|count| usize::try_from(count).unwrap_or(usize::MAX));
        lock(&self.table).limit_sockets(limit);
    }

    /// Makes connections fail before the process runs out of descriptors for other purposes.
    #[napi(catch_unwind)]
    pub fn spare_descriptors(&self) {
        lock(&self.table).spare_descriptors(true);
    }
}

/// The reason why an option is invalid.
#[napi(object, object_from_js = false)]
pub struct ConfigurationProblem {
    /// The option of `configure()`.
    pub option: String,
    /// The index of the certificate within the option.
    pub index: u32,
    /// The problem.
    pub reason: String,
}

impl From<Problem> for ConfigurationProblem {
    fn from(problem: Problem) -> Self {
        Self {
            option: problem.option.to_owned(),
            index: problem.index.try_into().unwrap_or(u32::MAX),
            reason: problem.reason,
        }
    }
}
