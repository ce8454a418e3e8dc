//! Certificate policies along a path (RFC 5280, 6.1). Chromium asks for no particular policy, so this
//! only finds out whether any policy remains valid where an authority requires one.

use std::collections::{BTreeMap, BTreeSet};

use super::certificate::Certificate;
use super::der::{Reader, number, tag};
use super::oid;

/// An object identifier.
type Policy<'a> = &'a [u8];

/// The state after some certificates of a path, from the authority on.
#[derive(Debug)]
pub(super) struct Policies<'a> {
    /// Whether `anyPolicy` is valid.
    any: bool,
    /// The valid policies, and whether each is mapped to others.
    valid: BTreeMap<Policy<'a>, bool>,
    /// The policies to which they are mapped.
    mapped: BTreeSet<Policy<'a>>,
    /// How many more certificates need no valid policy.
    explicit: usize,
    /// How many more certificates may map policies.
    mapping: usize,
    /// How many more certificates may use `anyPolicy`.
    any_policy: usize,
}

impl<'a> Policies<'a> {
    /// The initial state for a path of `length` certificates.
    pub(super) fn new(length: usize) -> Self {
        Self {
            any: true,
            valid: BTreeMap::new(),
            mapped: BTreeSet::new(),
            explicit: length + 1,
            mapping: length + 1,
            any_policy: length + 1,
        }
    }

    /// Processes the trust anchor. Returns whether it is acceptable.
    pub(super) fn begin(&mut self, anchor: &Certificate<'a>) -> bool {
        let right = anchor.extension(oid::POLICIES).is_none() || self.enter(anchor, false);
        let mapped = self.map(anchor);
        self.constrain(anchor);
        right && mapped
    }

    /// Processes an intermediate certificate. Returns whether it is acceptable.
    pub(super) fn pass(&mut self, issuer: &Certificate<'a>) -> bool {
        let right = self.enter(issuer, false);
        let mapped = self.map(issuer);
        if issuer.subject != issuer.issuer {
            for count in [&mut self.explicit, &mut self.mapping, &mut self.any_policy] {
                *count = count.saturating_sub(1);
            }
        }
        self.constrain(issuer);
        right && mapped
    }

    /// Processes the server's certificate. Returns whether it is acceptable.
    pub(super) fn end(&mut self, leaf: &Certificate<'a>) -> bool {
        let right = self.enter(leaf, true);
        self.explicit = self.explicit.saturating_sub(1);
        if constraint(leaf, 0) == Some(0) {
            self.explicit = 0;
        }
        right && (self.explicit > 0 || !self.is_none_left())
    }

    fn is_none_left(&self) -> bool {
        !self.any && self.valid.is_empty()
    }

    fn clear(&mut self) {
        self.any = false;
        self.valid.clear();
        self.mapped.clear();
    }

    fn enter(&mut self, certificate: &Certificate<'a>, is_leaf: bool) -> bool {
        let policies = certificate.extension(oid::POLICIES);
        if let Some(policies) = policies.filter(|_| !self.is_none_left()) {
            let mut expected = std::mem::take(&mut self.mapped);
            let valid = std::mem::take(&mut self.valid);
            expected.extend(
                valid
                    .into_iter()
                    .filter_map(|(policy, is_mapped)| (!is_mapped).then_some(policy)),
            );
            let any = std::mem::take(&mut self.any);
            let mut says_any = false;
            for policy in identifiers(policies) {
                if policy == oid::ANY_POLICY {
                    says_any = true;
                } else if expected.remove(policy) || any {
                    self.valid.insert(policy, false);
                }
            }
            let self_issued = certificate.subject == certificate.issuer;
            if says_any && (self.any_policy > 0 || (!is_leaf && self_issued)) {
                self.valid
                    .extend(expected.into_iter().map(|policy| (policy, false)));
                self.any = any;
            }
        } else if policies.is_none() {
            self.clear();
        }
        self.explicit > 0 || !self.is_none_left()
    }

    fn map(&mut self, issuer: &Certificate<'a>) -> bool {
        let Some(mut mappings) = issuer.extension(oid::POLICY_MAPPINGS) else {
            return true;
        };
        let mut mappings = mappings.enter(tag::SEQUENCE).unwrap_or(Reader(&[]));
        let mappings: Vec<(Policy<'_>, Policy<'_>)> = std::iter::from_fn(|| {
            let mut mapping = mappings.enter(tag::SEQUENCE)?;
            let mut policy = || mapping.content(tag::OBJECT_IDENTIFIER);
            Some((policy()?, policy()?))
        })
        .collect();
        let is_any = |&(from, to): &(Policy<'_>, Policy<'_>)| [from, to].contains(&oid::ANY_POLICY);
        if mappings.iter().any(is_any) {
            self.clear();
            return false;
        }
        for (from, to) in mappings {
            if self.mapping == 0 {
                self.valid.remove(from);
            } else if self.any || self.valid.contains_key(from) {
                self.valid.insert(from, true);
                self.mapped.insert(to);
            }
        }
        true
    }

    fn constrain(&mut self, issuer: &Certificate<'_>) {
        let any_policy = issuer
            .extension(oid::INHIBIT_ANY_POLICY)
            .and_then(|mut value| value.content(tag::INTEGER))
            .map(number);
        for (count, limit) in [
            (&mut self.explicit, constraint(issuer, 0)),
            (&mut self.mapping, constraint(issuer, 1)),
            (&mut self.any_policy, any_policy),
        ] {
            *count = limit.map_or(*count, |limit| limit.min(*count));
        }
    }
}

/// The identifiers in a list of policies.
fn identifiers(mut policies: Reader<'_>) -> impl Iterator<Item = Policy<'_>> {
    let mut policies = policies.enter(tag::SEQUENCE).unwrap_or(Reader(&[]));
    std::iter::from_fn(move || {
        policies
            .enter(tag::SEQUENCE)?
            .content(tag::OBJECT_IDENTIFIER)
    })
}

/// A field of the policy constraints: 0 is `requireExplicitPolicy`, 1 is `inhibitPolicyMapping`.
fn constraint(certificate: &Certificate<'_>, which: u8) -> Option<usize> {
    let mut fields = certificate
        .extension(oid::POLICY_CONSTRAINTS)?
        .enter(tag::SEQUENCE)?;
    let mut numbers = [0, 1].map(|which| fields.content(tag::implicit(which)).map(number));
    numbers.get_mut(usize::from(which))?.take()
}
