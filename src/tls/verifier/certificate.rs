//! Certificate fields that `webpki` parses but does not expose.

use std::time::Duration;

use rustls::pki_types::{CertificateDer, UnixTime};

use super::der::{Reader, Value, number, tag};
use super::public_key::PublicKey;
use super::{distinguished_name, oid};

const VERSION_TAG: u8 = tag::explicit(0);
const EXTENSIONS_TAG: u8 = tag::explicit(3);

/// Bits of the key usage extension's first byte.
const DIGITAL_SIGNATURE: u8 = 0x80;
const KEY_CERT_SIGN: u8 = 0x04;

/// The fields of a certificate, unchecked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Certificate<'a> {
    pub(super) whole: &'a [u8],
    /// The signed part.
    pub(super) signed: &'a [u8],
    /// The signature algorithm outside of the signed part.
    pub(super) signature_algorithm: &'a [u8],
    /// The signature algorithm inside the signed part.
    pub(super) inner_algorithm: &'a [u8],
    /// A bit string.
    signature_bits: &'a [u8],
    version: Option<&'a [u8]>,
    pub(super) serial_number: &'a [u8],
    pub(super) issuer: &'a [u8],
    validity: Reader<'a>,
    pub(super) subject: &'a [u8],
    pub(super) key_info: &'a [u8],
    pub(super) key: PublicKey<'a>,
    /// The fields behind the key.
    rest: Reader<'a>,
}

/// The path length constraint of an authority.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Authority {
    /// The certificate has no such constraint.
    Unsaid,
    /// The certificate is not an authority.
    Denied,
    Unlimited,
    Limited(usize),
}

/// One extension of a certificate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extension<'a> {
    pub(super) id: &'a [u8],
    pub(super) critical: bool,
    pub(super) value: Reader<'a>,
}

impl<'a> Certificate<'a> {
    /// Parses the fields that `BoringSSL` parses.
    pub(super) fn parse(der: &'a CertificateDer<'_>) -> Option<Self> {
        let mut certificate = Reader(der).enter_only(tag::SEQUENCE)?;
        let signed = certificate.expect(tag::SEQUENCE)?;
        let signature_algorithm = certificate.content(tag::SEQUENCE)?;
        let signature_bits = certificate.content(tag::BIT_STRING)?;
        if !certificate.is_empty() {
            return None;
        }

        let mut fields = Reader(signed.content);
        let version = fields.content(VERSION_TAG);
        let serial_number = fields.content(tag::INTEGER)?;
        let inner_algorithm = fields.content(tag::SEQUENCE)?;
        let issuer = fields.content(tag::SEQUENCE)?;
        let validity = fields.enter(tag::SEQUENCE)?;
        let subject = fields.content(tag::SEQUENCE)?;
        let key_info = fields.expect(tag::SEQUENCE)?;
        let key = PublicKey::parse(key_info.content)?;
        Some(Self {
            whole: der,
            signed: signed.whole,
            signature_algorithm,
            inner_algorithm,
            signature_bits,
            version,
            serial_number,
            issuer,
            validity,
            subject,
            key_info: key_info.whole,
            key,
            rest: fields,
        })
    }

    pub(super) fn signature(&self) -> &'a [u8] {
        self.signature_bits.get(1..).unwrap_or_default()
    }

    /// Whether Chromium accepts the encoding (`bssl::ParseTbsCertificate`).
    pub(super) fn is_well_formed(&self) -> bool {
        let version = match self
            .version
            .map(|version| Reader(version).enter_only(tag::INTEGER))
        {
            None => 1,
            Some(Some(Reader([1]))) => 2,
            Some(Some(Reader([2]))) => 3,
            Some(_) => return false,
        };
        let mut rest = self.rest;
        let mut unique_id = |number| {
            rest.expect(tag::implicit(number))
                .is_none_or(|id| version > 1 && is_bit_string(id.content))
        };
        let unique_ids = unique_id(1) && unique_id(2);
        let extensions = rest.expect(EXTENSIONS_TAG).is_none_or(|_| version == 3);
        unique_ids
            && extensions
            && rest.is_empty()
            && is_bit_string(self.signature_bits)
            && self.validity().is_some()
            && distinguished_name::is_name(self.issuer)
            && distinguished_name::is_name(self.subject)
    }

    /// Whether its version has extensions.
    pub(super) fn may_have_extensions(&self) -> bool {
        self.version == Some(&[tag::INTEGER, 1, 2])
    }

    /// Its extensions, if their list is well-formed and free of duplicates.
    pub(super) fn extensions(&self) -> Option<Vec<Extension<'a>>> {
        let mut rest = self.rest;
        while let Some(field) = rest.next() {
            if field.tag != EXTENSIONS_TAG {
                continue;
            }
            let mut list = Reader(field.content).enter_only(tag::SEQUENCE)?;
            let mut extensions: Vec<Extension<'_>> = Vec::new();
            loop {
                let mut fields = list.enter(tag::SEQUENCE)?;
                let id = fields.content(tag::OBJECT_IDENTIFIER)?;
                let critical = match fields.content(tag::BOOLEAN) {
                    None => false,
                    Some([0xff]) => true,
                    Some(_) => return None,
                };
                let value = fields.enter_only(tag::OCTET_STRING)?;
                if extensions.iter().any(|other| other.id == id) {
                    return None;
                }
                extensions.push(Extension {
                    id,
                    critical,
                    value,
                });
                if list.is_empty() {
                    return Some(extensions);
                }
            }
        }
        Some(Vec::new())
    }

    /// The value of an extension, if it can be parsed.
    pub(super) fn extension(&self, wanted: &[u8]) -> Option<Reader<'a>> {
        let mut rest = self.rest;
        let mut list = loop {
            let field = rest.next()?;
            if field.tag == EXTENSIONS_TAG {
                break Reader(field.content).enter(tag::SEQUENCE)?;
            }
        };
        while let Some(mut extension) = list.enter(tag::SEQUENCE) {
            let identifier = extension.content(tag::OBJECT_IDENTIFIER)?;
            let _critical = extension.expect(tag::BOOLEAN);
            if identifier == wanted {
                return extension.enter(tag::OCTET_STRING);
            }
        }
        None
    }

    /// The start and the end of the validity.
    pub(super) fn validity(&self) -> Option<(UnixTime, UnixTime)> {
        let mut validity = self.validity;
        let times = (time(&validity.next()?)?, time(&validity.next()?)?);
        validity.is_empty().then_some(times)
    }

    pub(super) fn is_valid_at(&self, time: UnixTime) -> bool {
        self.validity()
            .is_some_and(|(not_before, not_after)| (not_before..=not_after).contains(&time))
    }

    /// Whether the key usage extension, if present, has this bit.
    fn key_usage_allows(&self, bit: u8) -> bool {
        self.extension(oid::KEY_USAGE).is_none_or(|mut value| {
            // The first byte of a bit string is the number of unused bits in its last byte.
            let bits = value.content(tag::BIT_STRING).and_then(|bits| bits.get(1));
            bits.is_some_and(|bits| bits & bit != 0)
        })
    }

    /// Whether the certificate may sign handshakes; `None` if its extensions are malformed up to and
    /// including the key usage (`ssl_cert_check_key_usage`).
    pub(super) fn may_sign_handshakes(&self) -> Option<bool> {
        let mut rest = self.rest;
        for unique_id in [tag::implicit(1), tag::implicit(2)] {
            rest.skip(unique_id)?;
        }
        if !rest.is_at(EXTENSIONS_TAG) {
            return Some(true);
        }
        let mut extensions = rest.enter(EXTENSIONS_TAG)?.enter(tag::SEQUENCE)?;
        while !extensions.is_empty() {
            let mut extension = extensions.enter(tag::SEQUENCE)?;
            let identifier = extension.content(tag::OBJECT_IDENTIFIER)?;
            extension.skip(tag::BOOLEAN)?;
            let value = extension.enter_only(tag::OCTET_STRING)?;
            if identifier == oid::KEY_USAGE {
                let bits = value.enter_only(tag::BIT_STRING)?.0;
                return is_bit_string(bits).then(|| {
                    bits.get(1)
                        .is_some_and(|bits| bits & DIGITAL_SIGNATURE != 0)
                });
            }
        }
        Some(true)
    }

    pub(super) fn may_sign_certificates(&self) -> bool {
        self.key_usage_allows(KEY_CERT_SIGN)
    }

    /// Whether the extended key usage extension, if present, allows TLS servers.
    pub(super) fn may_be_for_servers(&self) -> bool {
        self.extension(oid::EXTENDED_KEY_USAGE)
            .is_none_or(|mut value| {
                let mut purposes = value.enter(tag::SEQUENCE).unwrap_or(Reader(&[]));
                std::iter::from_fn(|| purposes.content(tag::OBJECT_IDENTIFIER))
                    .any(|purpose| purpose == oid::SERVER_AUTH || purpose == oid::ANY_PURPOSE)
            })
    }

    /// Whether its basic constraints say that it belongs to an authority.
    pub(super) fn is_authority(&self) -> bool {
        matches!(
            self.authority(),
            Authority::Unlimited | Authority::Limited(_)
        )
    }

    pub(super) fn constrains_names(&self) -> bool {
        self.extension(oid::NAME_CONSTRAINTS).is_some()
    }

    /// The subject key identifier.
    pub(super) fn subject_key_id(&self) -> Option<&'a [u8]> {
        self.extension(oid::SUBJECT_KEY_ID)?
            .content(tag::OCTET_STRING)
    }

    /// The key identifier of the authority that issued it.
    pub(super) fn authority_key_id(&self) -> Option<&'a [u8]> {
        self.extension(oid::AUTHORITY_KEY_ID)?
            .enter(tag::SEQUENCE)?
            .content(tag::implicit(0))
    }

    pub(super) fn authority(&self) -> Authority {
        let Some(mut value) = self.extension(oid::BASIC_CONSTRAINTS) else {
            return Authority::Unsaid;
        };
        let mut fields = value.enter(tag::SEQUENCE).unwrap_or(Reader(&[]));
        let is_authority = fields
            .content(tag::BOOLEAN)
            .is_some_and(|value| value == [0xff]);
        match fields.content(tag::INTEGER) {
            _ if !is_authority => Authority::Denied,
            None => Authority::Unlimited,
            Some(limit) => Authority::Limited(number(limit)),
        }
    }
}

/// Whether this is the content of a bit string with zeroed unused bits.
pub(super) fn is_bit_string(content: &[u8]) -> bool {
    match content {
        [unused] => *unused == 0,
        [unused @ 0..=7, .., last] => last.trailing_zeros() >= u32::from(*unused),
        _ => false,
    }
}

/// Parses `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`.
fn time(value: &Value<'_>) -> Option<UnixTime> {
    let digits = value.content.strip_suffix(b"Z")?;
    let length = match value.tag {
        tag::UTC_TIME => 12,
        tag::GENERALIZED_TIME => 14,
        _ => return None,
    };
    if digits.len() != length {
        return None;
    }
    let mut pairs = digits.chunks(2).map(|pair| {
        let &[tens, units] = pair else { return None };
        let digit = |byte: u8| char::from(byte).to_digit(10).map(i64::from);
        Some(digit(tens)? * 10 + digit(units)?)
    });
    let mut pair = || pairs.next().flatten();
    let year = if value.tag == tag::UTC_TIME {
        pair().map(|year| if year < 50 { 2000 + year } else { 1900 + year })?
    } else {
        pair()? * 100 + pair()?
    };
    let (month, day, hour, minute, second) = (pair()?, pair()?, pair()?, pair()?, pair()?);
    // A minute may end with a leap second.
    let exists = (1..=12).contains(&month)
        && (1..=days_of(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !exists {
        return None;
    }
    let seconds = ((days_since_1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    // No certificate in use today was valid before 1970.
    let seconds = u64::try_from(seconds).unwrap_or(0);
    Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
}

/// The number of days in a month.
fn days_of(year: i64, month: i64) -> i64 {
    let (next_year, next_month) = if month == 12 {
        (year + 1, 1)
    } else {
        (year, month + 1)
    };
    days_since_1970(next_year, next_month, 1) - days_since_1970(year, month, 1)
}

/// Days in the Gregorian calendar, counted in years that start in March, so that leap days come
/// last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    const DAYS_TO_1970: i64 = 719_468;
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year / 4 - year / 100 + year / 400;
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - DAYS_TO_1970
}

/// The algorithm identifier of [`write_child`]'s signature, below 2.25, an arc free for private
/// use.
pub(super) const CHILD_SIGNATURE: &[u8] = &[tag::OBJECT_IDENTIFIER, 4, 0x69, 0xce, 0x88, 0x15];

/// Encodes a certificate that `parent` could have issued, without a subject. Returns the signed
/// part, and the certificate with an empty signature.
pub(super) fn write_child(parent: &Certificate<'_>) -> (Vec<u8>, Vec<u8>) {
    const VERSION_3: &[u8] = &[VERSION_TAG, 3, tag::INTEGER, 1, 2];
    const SERIAL_NUMBER: &[u8] = &[tag::INTEGER, 1, 1];
    const NO_BITS: &[u8] = &[tag::BIT_STRING, 1, 0];

    let algorithm = wrap(CHILD_SIGNATURE);
    let signed = wrap(
        &[
            VERSION_3,
            SERIAL_NUMBER,
            &algorithm,
            &wrap(parent.subject),
            &wrap(parent.validity.0),
            &wrap(&[]),
            parent.key_info,
        ]
        .concat(),
    );
    let certificate = wrap(&[&signed, &algorithm, NO_BITS].concat());
    (signed, certificate)
}

/// Encodes a sequence of DER values.
fn wrap(content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let leading = length.iter().take_while(|&&digit| digit == 0).count();
    let digits = length.get(leading..).unwrap_or_default();
    // A length has at most eight bytes.
    let count = u8::try_from(digits.len()).unwrap_or_default();
    let header = match digits {
        [] => vec![tag::SEQUENCE, 0],
        &[length @ ..0x80] => vec![tag::SEQUENCE, length],
        _ => [&[tag::SEQUENCE, 0x80 | count], digits].concat(),
    };
    [&header, content].concat()
}

#[cfg(test)]
mod tests {
    use super::super::strict_parsing;
    use super::*;

    #[test]
    fn times_are_read_in_both_forms() {
        let table: [(u8, &[u8], Option<u64>); 13] = [
            (tag::UTC_TIME, b"700101000000Z", Some(0)),
            (tag::UTC_TIME, b"240229120000Z", Some(1_709_208_000)),
            (tag::UTC_TIME, b"491231235959Z", Some(2_524_607_999)),
            (tag::UTC_TIME, b"500101000000Z", Some(0)),
            (
                tag::GENERALIZED_TIME,
                b"20240301000000Z",
                Some(1_709_251_200),
            ),
            (tag::GENERALIZED_TIME, b"20000101000000Z", Some(946_684_800)),
            (
                tag::GENERALIZED_TIME,
                b"21000301000000Z",
                Some(4_107_542_400),
            ),
            (
                tag::GENERALIZED_TIME,
                b"99991231235959Z",
                Some(253_402_300_799),
            ),
            (tag::GENERALIZED_TIME, b"20240301000000", None),
            (tag::UTC_TIME, b"2403010000Z", None),
            (tag::UTC_TIME, b"24030100000xZ", None),
            (tag::UTC_TIME, b"", None),
            (tag::INTEGER, b"240301000000Z", None),
        ];
        for (tag, content, expected) in table {
            let value = Value {
                tag,
                content,
                whole: content,
            };
            assert_eq!(
                time(&value).map(|time| time.as_secs()),
                expected,
                "{content:?}"
            );
        }
    }

    #[test]
    fn malformed_input_is_rejected_without_a_panic() {
        let key = rcgen::KeyPair::generate().unwrap();
        let whole = rcgen::CertificateParams::default()
            .self_signed(&key)
            .unwrap();
        assert!(Certificate::parse(whole.der()).is_some());
        for length in 0..whole.der().len() {
            let cut = CertificateDer::from(&whole.der()[..length]);
            assert!(Certificate::parse(&cut).is_none(), "{length} bytes");
        }
        for index in 0..whole.der().len() {
            for byte in [0, 0x30, 0x7f, 0x80, 0x84, 0xff] {
                let mut changed = whole.der().to_vec();
                changed[index] = byte;
                let changed = CertificateDer::from(changed);
                if let Some(certificate) = Certificate::parse(&changed) {
                    // Only the absence of a panic is checked.
                    let _ = certificate.is_well_formed();
                    let _ = strict_parsing::has_sound_extensions(&certificate);
                    let _ = certificate.validity();
                    let _ = certificate.authority();
                    let _ = certificate.may_be_for_servers();
                    let _ = certificate.may_sign_certificates();
                    let _ = certificate.key.rsa().map(|key| key.length());
                    assert!(!write_child(&certificate).1.is_empty());
                }
            }
        }
    }

    #[test]
    fn sequences_are_written_with_the_shortest_length() {
        for (length, header) in [
            (0, vec![0x30, 0]),
            (1, vec![0x30, 1]),
            (0x7f, vec![0x30, 0x7f]),
            (0x80, vec![0x30, 0x81, 0x80]),
            (0xff, vec![0x30, 0x81, 0xff]),
            (0x100, vec![0x30, 0x82, 1, 0]),
            (0x1_0000, vec![0x30, 0x83, 1, 0, 0]),
        ] {
            let written = wrap(&vec![7; length]);
            assert_eq!(written[..header.len()], header, "{length}");
            assert_eq!(written.len(), header.len() + length);
        }
    }
}
