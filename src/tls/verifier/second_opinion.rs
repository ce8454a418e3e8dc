//! Verifies a path with `webpki` after [`path`](super::path) found no flaw in it.
//!
//! `webpki` gets the certificates of this path alone, and in place of signature algorithms a list of
//! the signatures that were verified already. It therefore has one path to try and verifies no
//! signature again.

use rustls::pki_types::{
    AlgorithmIdentifier, CertificateDer, InvalidSignature, SignatureVerificationAlgorithm,
    TrustAnchor, UnixTime,
};
use webpki::{EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeIdIter, VerifiedPath};

use super::algorithms::ALGORITHMS;
use super::certificate::{self, Certificate};
use super::public_key::PublicKey;

/// Whether `webpki` accepts this path, which begins with a server's certificate and ends with one that
/// `anchor` issued. Every signature in it must have been verified.
pub(super) fn confirms(
    path: &[&Certificate<'_>],
    anchor: &TrustAnchor<'_>,
    anchor_key: &PublicKey<'_>,
    now: UnixTime,
) -> bool {
    let Some((&leaf, issuers)) = path.split_first() else {
        return false;
    };
    let shown: Vec<_> = [leaf]
        .into_iter()
        .chain(issuers.iter().copied().filter(|issuer| !is_exempt(issuer)))
        .collect();
    let keys = shown.iter().skip(1).map(|issuer| &issuer.key);
    let signers = keys.chain([anchor_key]);
    let mut links: Vec<_> = shown
        .iter()
        .zip(signers)
        .filter_map(|(certificate, signer)| Link::of(certificate, signer))
        .collect();
    let mut intermediates: Vec<_> = shown
        .iter()
        .skip(1)
        .map(|issuer| CertificateDer::from(issuer.whole))
        .collect();
    if !leaf.is_authority() {
        return accepts(leaf.whole, &intermediates, anchor, &links, now);
    }
    // Chromium accepts an authority's certificate from a server; `webpki` does not. So `webpki` gets a
    // path that is one certificate longer: one that this authority could have issued.
    let (signed, child) = certificate::write_child(leaf);
    let Some(link) = Link::of_child(leaf, &signed) else {
        return false;
    };
    links.push(link);
    intermediates.insert(0, CertificateDer::from(leaf.whole));
    accepts(&child, &intermediates, anchor, &links, now)
}

/// Whether `webpki` does not get to see this issuer. Self-issued certificates are exempt from name
/// constraints and do not count towards the length of a path (RFC 5280, 6.1.3 b and 6.1.4 l); `webpki`
/// makes no such exception. Everything else about them is checked by [`path`](super::path).
fn is_exempt(issuer: &Certificate<'_>) -> bool {
    issuer.subject == issuer.issuer && !issuer.constrains_names()
}

fn accepts(
    leaf: &[u8],
    intermediates: &[CertificateDer<'_>],
    anchor: &TrustAnchor<'_>,
    links: &[Link<'_>],
    now: UnixTime,
) -> bool {
    let leaf = CertificateDer::from(leaf);
    let Ok(leaf) = EndEntityCert::try_from(&leaf) else {
        return false;
    };
    let algorithms: Vec<_> = links
        .iter()
        .map(|&Link { kind, key_kind, .. }| Verified {
            kind,
            key_kind,
            links,
        })
        .collect();
    let algorithms: Vec<_> = algorithms
        .iter()
        .map(|algorithm| algorithm as &dyn SignatureVerificationAlgorithm)
        .collect();
    let is_whole = |path: &VerifiedPath<'_>| {
        let shown = path.intermediate_certificates().map(webpki::Cert::der);
        if shown.eq(intermediates.iter().cloned()) {
            Ok(())
        } else {
            Err(webpki::Error::UnknownIssuer)
        }
    };
    leaf.verify_for_usage(
        &algorithms,
        std::slice::from_ref(anchor),
        intermediates,
        now,
        AnyPurpose,
        None,
        Some(&is_whole),
    )
    .is_ok()
}

/// A certificate's signature that was verified.
#[derive(Clone, Copy, Debug)]
struct Link<'a> {
    kind: AlgorithmIdentifier,
    key_kind: AlgorithmIdentifier,
    key: &'a [u8],
    signed: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Link<'a> {
    /// The signature of `certificate`, attributed to `signer`.
    fn of(certificate: &Certificate<'a>, signer: &PublicKey<'a>) -> Option<Self> {
        let mut kinds = ALGORITHMS.all.iter().map(|known| known.signature_alg_id());
        Some(Self {
            kind: kinds.find(|kind| kind.as_ref() == certificate.signature_algorithm)?,
            key_kind: kind_of(signer)?,
            key: signer.bits,
            signed: certificate.signed,
            signature: certificate.signature(),
        })
    }

    /// The empty signature of the certificate that [`certificate::write_child`] writes.
    fn of_child(parent: &Certificate<'a>, signed: &'a [u8]) -> Option<Self> {
        Some(Self {
            kind: AlgorithmIdentifier::from_slice(certificate::CHILD_SIGNATURE),
            key_kind: kind_of(&parent.key)?,
            key: parent.key.bits,
            signed,
            signature: &[],
        })
    }
}

fn kind_of(key: &PublicKey<'_>) -> Option<AlgorithmIdentifier> {
    let mut kinds = ALGORITHMS.all.iter().map(|known| known.public_key_alg_id());
    kinds.find(|kind| kind.as_ref() == key.algorithm)
}

/// Accepts the signatures of these links and no other.
#[derive(Debug)]
struct Verified<'a> {
    kind: AlgorithmIdentifier,
    key_kind: AlgorithmIdentifier,
    links: &'a [Link<'a>],
}

impl SignatureVerificationAlgorithm for Verified<'_> {
    fn verify_signature(
        &self,
        key: &[u8],
        signed: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let known = self
            .links
            .iter()
            .any(|known| (known.key, known.signed, known.signature) == (key, signed, signature));
        known.then_some(()).ok_or(InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.key_kind
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.kind
    }
}

/// Leaves the extended key usage to [`path`](super::path), which knows `anyExtendedKeyUsage`.
struct AnyPurpose;

impl ExtendedKeyUsageValidator for AnyPurpose {
    fn validate(&self, _: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        Ok(())
    }
}
