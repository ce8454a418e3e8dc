//! What the fuzz targets see of certificates and signatures.

use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use webpki::EndEntityCert;

use super::facts::{Certificate, write_child};
use super::{ALGORITHMS, Child, judge, short_rsa};
use crate::trust::TrustStore;

/// What a certificate's signature is for.
pub(crate) fn signed_part<'a>(certificate: &'a CertificateDer<'_>) -> Option<&'a [u8]> {
    Certificate::parse(certificate).map(|facts| facts.signed)
}

/// Looks at a certificate from all sides.
pub(crate) fn look_at(certificate: &CertificateDer<'_>) {
    let Some(facts) = Certificate::parse(certificate) else {
        return;
    };
    let _ = facts.validity();
    let _ = facts.authority();
    let _ = facts.may_be_for_servers();
    let _ = facts.may_sign_certificates();
    let _ = facts.may_sign_handshakes();
    let _ = facts.key.rsa().map(|key| key.length());
    let (signed, child) = write_child(&facts);
    let child = CertificateDer::from(child);
    assert_eq!(
        signed_part(&child),
        Some(&*signed),
        "a child reads as written"
    );
    if EndEntityCert::try_from(certificate).is_ok() && Child::of(&facts).is_some() {
        assert!(
            EndEntityCert::try_from(&child).is_ok(),
            "webpki reads a child"
        );
    }
}

/// Whether a chain is accepted at the time `now`.
pub(crate) fn accepts(
    trust: &TrustStore,
    leaf: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    name: &ServerName<'_>,
    now: UnixTime,
) -> bool {
    judge(trust, leaf, intermediates, name, now).is_ok()
}

/// Checks a signature by every algorithm.
pub(crate) fn check_signature(key: &[u8], message: &[u8], signature: &[u8]) {
    for algorithm in ALGORITHMS.all {
        let _ = algorithm.verify_signature(key, message, signature);
    }
}

/// Checks an RSA-PSS signature here and by `aws-lc-rs`.
pub(crate) fn check_twice(key: &[u8], message: &[u8], signature: &[u8]) {
    short_rsa::compare(key, message, signature);
}
