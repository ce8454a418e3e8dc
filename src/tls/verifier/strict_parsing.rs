//! The strict parsing of Chromium (`bssl::ParsedCertificate`) that `webpki` lacks: well-formed
//! names and extensions.

use super::certificate::{Certificate, is_bit_string};
use super::der::{Reader, Value, tag};
use super::{distinguished_name, oid};

const URI: u8 = tag::implicit(6);

/// Whether all extensions can be parsed, and those that Chromium knows have valid content.
pub(super) fn has_sound_extensions(certificate: &Certificate<'_>) -> bool {
    certificate.extensions().is_some_and(|extensions| {
        extensions.iter().all(|extension| {
            // A certificate without a subject must mark its alternative names as critical.
            let insists = extension.critical || !certificate.subject.is_empty();
            (insists || extension.id != oid::ALTERNATIVE_NAMES)
                && is_sound(extension.id, extension.value).is_some_and(|sound| sound)
        })
    })
}

/// Whether the certificate has an unknown critical extension.
pub(super) fn has_unknown_critical_extension(certificate: &Certificate<'_>) -> bool {
    const KNOWN: [&[u8]; 9] = [
        oid::KEY_USAGE,
        oid::ALTERNATIVE_NAMES,
        oid::BASIC_CONSTRAINTS,
        oid::NAME_CONSTRAINTS,
        oid::POLICIES,
        oid::POLICY_MAPPINGS,
        oid::POLICY_CONSTRAINTS,
        oid::EXTENDED_KEY_USAGE,
        oid::INHIBIT_ANY_POLICY,
    ];
    certificate.extensions().is_none_or(|extensions| {
        extensions
            .iter()
            .any(|extension| extension.critical && !KNOWN.contains(&extension.id))
    })
}

fn is_sound(extension: &[u8], value: Reader<'_>) -> Option<bool> {
    Some(match extension {
        oid::BASIC_CONSTRAINTS => are_basic_constraints(value.enter_only(tag::SEQUENCE)?),
        oid::KEY_USAGE => {
            let bits = value.enter_only(tag::BIT_STRING)?.0;
            is_bit_string(bits) && bits.iter().skip(1).any(|&byte| byte != 0)
        }
        oid::EXTENDED_KEY_USAGE => value
            .enter_only(tag::SEQUENCE)?
            .all(|purpose| purpose.tag == tag::OBJECT_IDENTIFIER),
        oid::ALTERNATIVE_NAMES => value
            .enter_only(tag::SEQUENCE)?
            .all(|name| is_general_name(&name, |address| matches!(address.len(), 4 | 16))),
        oid::NAME_CONSTRAINTS => are_name_constraints(value.enter_only(tag::SEQUENCE)?),
        oid::POLICIES => are_policies(value.enter_only(tag::SEQUENCE)?),
        oid::POLICY_CONSTRAINTS => are_policy_constraints(value.enter_only(tag::SEQUENCE)?),
        oid::POLICY_MAPPINGS => value.enter_only(tag::SEQUENCE)?.all(|mapping| {
            let mut ids = Reader(mapping.content);
            let both = (0..2).all(|_| ids.content(tag::OBJECT_IDENTIFIER).is_some());
            mapping.tag == tag::SEQUENCE && both && ids.is_empty()
        }),
        oid::INHIBIT_ANY_POLICY => is_small_number(value.enter_only(tag::INTEGER)?.0),
        oid::SUBJECT_KEY_ID => value.enter_only(tag::OCTET_STRING).is_some(),
        oid::AUTHORITY_KEY_ID => is_authority_key_id(value.enter_only(tag::SEQUENCE)?),
        oid::AUTHORITY_INFORMATION => value.enter_only(tag::SEQUENCE)?.all(|access| {
            let mut fields = Reader(access.content);
            let method = fields.content(tag::OBJECT_IDENTIFIER);
            let is_location =
                |location: Value<'_>| location.tag != URI || location.content.is_ascii();
            access.tag == tag::SEQUENCE
                && method.is_some()
                && fields.next().is_some_and(is_location)
                && fields.is_empty()
        }),
        _ => true,
    })
}

/// Whether this is the content of a number from 0 to 255.
fn is_small_number(digits: &[u8]) -> bool {
    matches!(digits, [0..0x80] | [0, 0x80..=0xff])
}

fn are_basic_constraints(mut fields: Reader<'_>) -> bool {
    let authority = fields
        .content(tag::BOOLEAN)
        .is_none_or(|value| matches!(value, [0 | 0xff]));
    let length = fields.content(tag::INTEGER).is_none_or(is_small_number);
    authority && length && fields.is_empty()
}

fn is_general_name(name: &Value<'_>, is_address: impl Fn(&[u8]) -> bool) -> bool {
    const OTHER: u8 = tag::explicit(0);
    const MAILBOX: u8 = tag::implicit(1);
    const DNS: u8 = tag::implicit(2);
    const X400: u8 = tag::explicit(3);
    const DIRECTORY: u8 = tag::explicit(4);
    const EDI: u8 = tag::explicit(5);
    const ADDRESS: u8 = tag::implicit(7);
    const REGISTERED: u8 = tag::implicit(8);

    match name.tag {
        OTHER | X400 | EDI | REGISTERED => true,
        MAILBOX | DNS | URI => name.content.is_ascii(),
        DIRECTORY => Reader(name.content)
            .enter_only(tag::SEQUENCE)
            .is_some_and(|name| distinguished_name::is_name(name.0)),
        ADDRESS => is_address(name.content),
        _ => false,
    }
}

fn are_name_constraints(mut fields: Reader<'_>) -> bool {
    let is_range = |range: &[u8]| {
        let (_, mask) = range.split_at(range.len() / 2);
        let ones: u32 = mask.iter().map(|byte| byte.leading_ones()).sum();
        let all: u32 = mask.iter().map(|byte| byte.count_ones()).sum();
        // All bits behind the first zero are zero.
        let whole = mask.iter().take_while(|&&byte| byte == 0xff).count();
        let rest = mask.iter().skip(whole + 1).all(|&byte| byte == 0);
        matches!(range.len(), 8 | 32) && ones == all && rest
    };
    let mut subtrees = |number| {
        fields.enter(tag::explicit(number)).map(|trees| {
            trees.all(|tree| {
                let mut base = Reader(tree.content);
                let name = base.next();
                tree.tag == tag::SEQUENCE
                    && base.is_empty()
                    && name.is_some_and(|name| is_general_name(&name, is_range))
            })
        })
    };
    let (permitted, excluded) = (subtrees(0), subtrees(1));
    let some = permitted.is_some() || excluded.is_some();
    some && permitted != Some(false) && excluded != Some(false) && fields.is_empty()
}

fn are_policies(policies: Reader<'_>) -> bool {
    let mut seen = Vec::new();
    policies.all(|policy| {
        let mut fields = Reader(policy.content);
        let Some(id) = fields.content(tag::OBJECT_IDENTIFIER) else {
            return false;
        };
        let qualifiers = fields
            .enter(tag::SEQUENCE)
            .is_none_or(|qualifiers| qualifiers.all(|one| one.tag == tag::SEQUENCE));
        let new = !seen.contains(&id);
        seen.push(id);
        policy.tag == tag::SEQUENCE && new && qualifiers && fields.is_empty()
    })
}

fn are_policy_constraints(mut fields: Reader<'_>) -> bool {
    let some = !fields.is_empty();
    let mut number = |number| {
        fields
            .content(tag::implicit(number))
            .is_none_or(is_small_number)
    };
    some && number(0) && number(1) && fields.is_empty()
}

fn is_authority_key_id(mut fields: Reader<'_>) -> bool {
    let _key_id = fields.expect(tag::implicit(0));
    let issuer = fields.expect(tag::explicit(1));
    let serial_number = fields.expect(tag::implicit(2));
    issuer.is_some() == serial_number.is_some() && fields.is_empty()
}
