//! The certificate and signature functions for the fuzz targets.

use rustls::pki_types::{CertificateDer, UnixTime};
use webpki::EndEntityCert;

use super::algorithms::ALGORITHMS;
use super::certificate::{Certificate, write_child};
use super::modpow::modpow;
use super::{Presented, judge, legacy_rsa, names, revocation, strict_parsing};
use crate::tls::trust::TrustStore;

/// The part of a certificate that its signature covers.
pub(crate) fn signed_part<'a>(certificate: &'a CertificateDer<'_>) -> Option<&'a [u8]> {
    Certificate::parse(certificate).map(|leaf| leaf.signed)
}

/// Calls every accessor of a certificate.
pub(crate) fn look_at(certificate: &CertificateDer<'_>) {
    let Some(leaf) = Certificate::parse(certificate) else {
        return;
    };
    let _ = leaf.is_well_formed();
    let _ = strict_parsing::has_sound_extensions(&leaf);
    let _ = strict_parsing::has_unknown_critical_extension(&leaf);
    let _ = names::is_for(&leaf, "localhost");
    let _ = revocation::says_revoked(certificate, &leaf);
    let _ = leaf.validity();
    let _ = leaf.authority();
    let _ = leaf.may_be_for_servers();
    let _ = leaf.may_sign_certificates();
    let _ = leaf.may_sign_handshakes();
    let _ = leaf.key.rsa().map(|key| key.length());
    let (signed, child) = write_child(&leaf);
    let child = CertificateDer::from(child);
    assert_eq!(
        signed_part(&child),
        Some(&*signed),
        "a child reads as written"
    );
    let keys = ALGORITHMS.all.iter().map(|known| known.public_key_alg_id());
    let is_known = keys
        .into_iter()
        .any(|kind| kind.as_ref() == leaf.key.algorithm);
    if EndEntityCert::try_from(certificate).is_ok() && is_known {
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
    host: &str,
    now: UnixTime,
) -> bool {
    let presented = Presented {
        leaf,
        intermediates,
        staple: &[],
    };
    let verdict = |tls13| judge(trust, &presented, host, now, tls13).is_ok();
    let accepted = verdict(true);
    assert_eq!(accepted, verdict(false), "versions differ in words only");
    accepted
}

/// Checks a signature by every algorithm.
pub(crate) fn check_signature(key: &[u8], message: &[u8], signature: &[u8]) {
    for algorithm in ALGORITHMS.all {
        let _ = algorithm.verify_signature(key, message, signature);
    }
}

/// Checks an RSA-PSS signature with this module and with `aws-lc-rs`.
pub(crate) fn check_twice(key: &[u8], message: &[u8], signature: &[u8]) {
    legacy_rsa::compare(key, message, signature);
}

/// The encoding that is signed for a message, mutated. Only an unchanged encoding may verify.
pub(crate) fn change_encoding(message: &[u8], change: &[u8]) {
    legacy_rsa::change(message, change);
}

/// Checks modular powers by the laws of exponents, and small ones by multiplication.
pub(crate) fn check_power(base: &[u8], modulus: &[u8]) {
    let twice = |first, second| modpow(&modpow(base, first, modulus)?, second, modulus);
    for (one, other) in [(3, 5), (65_537, 3), (2, u64::from(u32::MAX))] {
        assert_eq!(twice(one, other), twice(other, one), "{one}, {other}");
    }
    let small = |bytes: &[u8]| {
        let number = |digits: &[u8]| {
            digits
                .iter()
                .fold(0, |n, &digit| n << 8 | u128::from(digit))
        };
        (bytes.len() <= size_of::<u64>()).then(|| number(bytes))
    };
    let found = modpow(base, 5, modulus);
    let is_odd = modulus.last().is_some_and(|lowest| lowest % 2 == 1);
    let is_below = (base.len(), base) < (modulus.len(), modulus);
    assert_eq!(found.is_some(), is_odd && is_below);
    if let (Some(base), Some(modulus), Some(found)) = (small(base), small(modulus), found) {
        let expected = (0..5).fold(1 % modulus, |product, _| product * base % modulus);
        assert_eq!(small(&found), Some(expected));
    }
}
