//! Finds the flaws of the paths from a certificate to a trusted authority, as Chromium does
//! (`bssl::CertPathBuilder`, `bssl::VerifyCertificateChain`).
//!
//! The result only determines the error for a chain that `webpki` has refused. It never accepts a
//! chain: name constraints and policies are left to `webpki`.

use rustls::pki_types::UnixTime;

use super::{
    ALGORITHMS, MIN_RSA_LENGTH, Problem,
    facts::{Authority, Certificate, PublicKey, RsaKey},
    soundness,
};
use crate::trust::TrustStore;

/// The limit of `webpki`.
const MAX_SIGNATURE_CHECKS: usize = 100;

/// The most certificates that the search may add to paths.
const MAX_STEPS: usize = 1000;

/// The flaws of a path.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Flaws(u8);

impl Flaws {
    const UNTRUSTED: Self = Self(1);
    const WEAK_KEY: Self = Self(2);
    const OUT_OF_DATE: Self = Self(4);
    const INVALID: Self = Self(8);

    fn note(&mut self, flaws: Self, found: bool) {
        if found {
            self.0 |= flaws.0;
        }
    }

    fn any(self) -> bool {
        self != Self::default()
    }

    /// The most serious flaw. Chromium reports a path as invalid only if no more specific error
    /// applies.
    pub(super) fn problem(self) -> Option<Problem> {
        [
            (Self::UNTRUSTED, Problem::Untrusted),
            (Self::WEAK_KEY, Problem::WeakKey),
            (Self::OUT_OF_DATE, Problem::OutOfDate),
            (Self::INVALID, Problem::Invalid),
        ]
        .into_iter()
        .find_map(|(flaw, problem)| (self.0 & flaw.0 != 0).then_some(problem))
    }
}

/// The flaws of the best path, or of the first among equally good ones.
pub(super) fn flaws(
    trust: &TrustStore,
    leaf: &Certificate<'_>,
    others: &[Certificate<'_>],
    now: UnixTime,
) -> Flaws {
    let mut search = Search {
        trust,
        others,
        now,
        steps: MAX_STEPS,
        signature_checks: MAX_SIGNATURE_CHECKS,
        best: None,
    };
    search.extend(&mut vec![leaf]);
    search.best.unwrap_or(Flaws::UNTRUSTED)
}

/// The flaws of a certificate that is trusted itself.
pub(super) fn flaws_of_trusted(leaf: &Certificate<'_>, now: UnixTime) -> Flaws {
    let mut flaws = key_flaws(&leaf.key);
    flaws.note(Flaws::OUT_OF_DATE, !leaf.is_valid_at(now));
    flaws.note(
        Flaws::INVALID,
        !leaf.may_be_for_servers() || soundness::has_unknown_critical_extension(leaf),
    );
    flaws
}

struct Search<'a> {
    trust: &'a TrustStore,
    others: &'a [Certificate<'a>],
    now: UnixTime,
    steps: usize,
    signature_checks: usize,
    /// The best of the paths that end at a trusted authority.
    best: Option<Flaws>,
}

impl<'a> Search<'a> {
    /// Extends `path` in every possible way. Returns whether the search is complete.
    fn extend(&mut self, path: &mut Vec<&Certificate<'a>>) -> bool {
        let Some(last) = path.last().copied() else {
            return false;
        };
        for (index, anchor) in self.trust.anchors().iter().enumerate() {
            if anchor.subject.as_ref() != last.issuer {
                continue;
            }
            let certificate = self.trust.certificate_at(index).map(Certificate::parse);
            let flaws = match (
                certificate,
                PublicKey::parse(&anchor.subject_public_key_info),
            ) {
                (Some(None), _) | (_, None) => continue,
                (Some(Some(anchor)), _) if !is_usable(&anchor) => continue,
                (anchor, Some(key)) => self.check(path, anchor.flatten().as_ref(), key),
            };
            if !flaws.any() {
                self.best = Some(flaws);
                return true;
            }
            self.best.get_or_insert(flaws);
            if self.signature_checks == 0 {
                return true;
            }
        }
        for other in self.others {
            let known = path
                .iter()
                .any(|link| link.subject == other.subject && link.key.bits == other.key.bits);
            if other.subject != last.issuer || known {
                continue;
            }
            if self.steps == 0 {
                return true;
            }
            self.steps -= 1;
            path.push(other);
            if self.extend(path) {
                return true;
            }
            path.pop();
        }
        false
    }

    /// The flaws of this path from a server's certificate to one that the anchor has issued.
    fn check<'b>(
        &mut self,
        path: &[&Certificate<'b>],
        anchor: Option<&Certificate<'_>>,
        mut key: PublicKey<'b>,
    ) -> Flaws {
        let mut flaws = key_flaws(&key);
        let mut allowed = usize::MAX;
        if let Some(anchor) = anchor {
            flaws.note(Flaws::OUT_OF_DATE, !anchor.is_valid_at(self.now));
            flaws.note(
                Flaws::INVALID,
                !anchor.may_be_for_servers()
                    || !anchor.may_sign_certificates()
                    || soundness::has_unknown_critical_extension(anchor),
            );
            match anchor.authority() {
                Authority::Denied => flaws.note(Flaws::INVALID, true),
                Authority::Limited(limit) => allowed = limit,
                Authority::Unsaid | Authority::Unlimited => {}
            }
        }
        for (index, link) in path.iter().enumerate().rev() {
            // An invalid or unacceptable signature ends the path.
            let signature = self.check_signature(link, &key);
            if signature.any() {
                flaws.note(signature, true);
                return flaws;
            }
            flaws.note(key_flaws(&link.key), true);
            flaws.note(Flaws::OUT_OF_DATE, !link.is_valid_at(self.now));
            flaws.note(
                Flaws::INVALID,
                link.inner_algorithm != link.signature_algorithm
                    || !link.may_be_for_servers()
                    || soundness::has_unknown_critical_extension(link),
            );
            if index == 0 {
                break;
            }
            if link.subject != link.issuer {
                flaws.note(Flaws::INVALID, allowed == 0);
                allowed = allowed.saturating_sub(1);
            }
            flaws.note(Flaws::INVALID, !link.may_sign_certificates());
            match link.authority() {
                Authority::Denied | Authority::Unsaid => flaws.note(Flaws::INVALID, true),
                Authority::Limited(limit) => allowed = allowed.min(limit),
                Authority::Unlimited => {}
            }
            key = link.key;
        }
        flaws
    }

    /// The flaws of the signature of `certificate` under this key.
    fn check_signature(&mut self, certificate: &Certificate<'_>, key: &PublicKey<'_>) -> Flaws {
        let mut known = ALGORITHMS.all.iter().filter(|algorithm| {
            algorithm.signature_alg_id().as_ref() == certificate.signature_algorithm
        });
        if known.clone().next().is_none() {
            return Flaws::INVALID;
        }
        // The path is refused because of this key anyway.
        if key_flaws(key).any() {
            return Flaws::default();
        }
        if self.signature_checks == 0 {
            return Flaws::UNTRUSTED;
        }
        self.signature_checks -= 1;
        let right = known.any(|algorithm| {
            algorithm.public_key_alg_id().as_ref() == key.algorithm
                && algorithm
                    .verify_signature(key.bits, certificate.signed, certificate.signature())
                    .is_ok()
        });
        if right {
            Flaws::default()
        } else {
            Flaws::UNTRUSTED
        }
    }
}

/// Whether Chromium uses such a certificate in a path.
pub(super) fn is_usable(certificate: &Certificate<'_>) -> bool {
    certificate.is_well_formed() && soundness::has_sound_extensions(certificate)
}

/// Whether Chromium accepts the key of a server.
pub(super) fn has_good_key(certificate: &Certificate<'_>) -> bool {
    !key_flaws(&certificate.key).any()
}

fn key_flaws(key: &PublicKey<'_>) -> Flaws {
    let mut flaws = Flaws::default();
    let is_short = |key: RsaKey<'_>| key.length() < MIN_RSA_LENGTH;
    flaws.note(Flaws::WEAK_KEY, key.rsa().is_some_and(is_short));
    flaws.note(Flaws::INVALID, !key.may_be_in_chains());
    flaws
}
