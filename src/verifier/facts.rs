//! Facts about certificates that `webpki` reads but does not tell.

use rustls::pki_types::{CertificateDer, UnixTime};
use std::time::Duration;

/// DER tags as they occur in certificates.
mod tag {
    pub(super) const BOOLEAN: u8 = 0x01;
    pub(super) const INTEGER: u8 = 0x02;
    pub(super) const BIT_STRING: u8 = 0x03;
    pub(super) const OCTET_STRING: u8 = 0x04;
    pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
    pub(super) const UTC_TIME: u8 = 0x17;
    pub(super) const GENERALIZED_TIME: u8 = 0x18;
    pub(super) const SEQUENCE: u8 = 0x30;
    pub(super) const VERSION: u8 = 0xa0;
    pub(super) const EXTENSIONS: u8 = 0xa3;
}

/// DER object identifiers.
mod id {
    pub(super) const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
    pub(super) const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
    pub(super) const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
    pub(super) const ANY_PURPOSE: &[u8] = &[0x55, 0x1d, 0x25, 0x00];
    pub(super) const SERVER_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];
    pub(super) const RSA_ENCRYPTION: &[u8] =
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
}

/// Bits of the key usage extension's first byte.
const DIGITAL_SIGNATURE: u8 = 0x80;
const KEY_CERT_SIGN: u8 = 0x04;

/// Reads DER values one after the other.
#[derive(Clone, Copy, Debug)]
struct Reader<'a>(&'a [u8]);

/// A value; what it consists of depends on the tag.
struct Value<'a> {
    tag: u8,
    content: &'a [u8],
    /// The content with its tag and length.
    whole: &'a [u8],
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<Value<'a>> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            if digits.len() > size_of::<u32>() {
                return None;
            }
            (number(digits), rest)
        };
        let (content, rest) = rest.split_at_checked(length)?;
        let (whole, _) = self.0.split_at_checked(self.0.len() - rest.len())?;
        self.0 = rest;
        Some(Value {
            tag,
            content,
            whole,
        })
    }

    /// The next value, if it has this tag; otherwise it stays where it is.
    fn expect(&mut self, tag: u8) -> Option<Value<'a>> {
        (self.0.first() == Some(&tag)).then(|| self.next())?
    }

    /// The content of the next value, which has to have this tag.
    fn content(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.expect(tag).map(|value| value.content)
    }

    /// Goes into the next value, which has to have this tag.
    fn enter(&mut self, tag: u8) -> Option<Self> {
        self.content(tag).map(Self)
    }
}

/// An unsigned number; more digits than fit make it the largest there is.
fn number(digits: &[u8]) -> usize {
    digits.iter().fold(0, |number: usize, &digit| {
        number
            .saturating_mul(256)
            .saturating_add(usize::from(digit))
    })
}

/// The parts of a certificate, none of them checked for sense.
#[derive(Clone, Copy, Debug)]
pub(super) struct Certificate<'a> {
    /// What is signed.
    pub(super) signed: &'a [u8],
    /// How it is signed.
    pub(super) signature_algorithm: &'a [u8],
    pub(super) signature: &'a [u8],
    pub(super) issuer: &'a [u8],
    validity: Reader<'a>,
    pub(super) subject: &'a [u8],
    key_info: &'a [u8],
    pub(super) key: PublicKey<'a>,
    extensions: Reader<'a>,
}

/// How many authorities an authority allows below itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Authority {
    /// The certificate says nothing about it.
    Unsaid,
    /// The certificate is not one of an authority.
    Denied,
    Unlimited,
    Limited(usize),
}

impl<'a> Certificate<'a> {
    pub(super) fn parse(der: &'a CertificateDer<'_>) -> Option<Self> {
        let mut outermost = Reader(der);
        let mut certificate = outermost.enter(tag::SEQUENCE)?;
        let signed = certificate.expect(tag::SEQUENCE)?;
        let signature_algorithm = certificate.content(tag::SEQUENCE)?;
        let signature = certificate.content(tag::BIT_STRING)?.get(1..)?;
        if !outermost.0.is_empty() || !certificate.0.is_empty() {
            return None;
        }

        let mut fields = Reader(signed.content);
        let _version = fields.expect(tag::VERSION);
        let _serial_number = fields.expect(tag::INTEGER)?;
        let _signature_algorithm = fields.expect(tag::SEQUENCE)?;
        let issuer = fields.content(tag::SEQUENCE)?;
        let validity = fields.enter(tag::SEQUENCE)?;
        let subject = fields.content(tag::SEQUENCE)?;
        let key_info = fields.expect(tag::SEQUENCE)?;
        let key = PublicKey::parse(key_info.content)?;
        let mut extensions = Reader(&[]);
        while let Some(field) = fields.next() {
            if field.tag == tag::EXTENSIONS {
                extensions = Reader(field.content).enter(tag::SEQUENCE)?;
            }
        }
        Some(Self {
            signed: signed.whole,
            signature_algorithm,
            signature,
            issuer,
            validity,
            subject,
            key_info: key_info.whole,
            key,
            extensions,
        })
    }

    fn extension(&self, wanted: &[u8]) -> Option<Reader<'a>> {
        let mut extensions = self.extensions;
        while let Some(mut extension) = extensions.enter(tag::SEQUENCE) {
            let identifier = extension.content(tag::OBJECT_IDENTIFIER)?;
            let _critical = extension.expect(tag::BOOLEAN);
            if identifier == wanted {
                return extension.enter(tag::OCTET_STRING);
            }
        }
        None
    }

    /// When the certificate starts to be valid and when it stops.
    pub(super) fn validity(&self) -> Option<(UnixTime, UnixTime)> {
        let mut validity = self.validity;
        Some((time(&validity.next()?)?, time(&validity.next()?)?))
    }

    /// Whether the key usage extension, where there is one, has this bit.
    fn key_usage_allows(&self, bit: u8) -> bool {
        self.extension(id::KEY_USAGE).is_none_or(|mut value| {
            // The first byte of a bit string counts the bits that its last byte does not use.
            let bits = value.content(tag::BIT_STRING).and_then(|bits| bits.get(1));
            bits.is_some_and(|bits| bits & bit != 0)
        })
    }

    pub(super) fn may_sign_handshakes(&self) -> bool {
        self.key_usage_allows(DIGITAL_SIGNATURE)
    }

    pub(super) fn may_sign_certificates(&self) -> bool {
        self.key_usage_allows(KEY_CERT_SIGN)
    }

    /// Whether the extended key usage extension, where there is one, allows TLS servers.
    pub(super) fn may_be_for_servers(&self) -> bool {
        self.extension(id::EXTENDED_KEY_USAGE)
            .is_none_or(|mut value| {
                let mut purposes = value.enter(tag::SEQUENCE).unwrap_or(Reader(&[]));
                std::iter::from_fn(|| purposes.content(tag::OBJECT_IDENTIFIER))
                    .any(|purpose| purpose == id::SERVER_AUTH || purpose == id::ANY_PURPOSE)
            })
    }

    pub(super) fn authority(&self) -> Authority {
        let Some(mut value) = self.extension(id::BASIC_CONSTRAINTS) else {
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

/// A subject public key.
#[derive(Clone, Copy, Debug)]
pub(super) struct PublicKey<'a> {
    pub(super) algorithm: &'a [u8],
    pub(super) bits: &'a [u8],
}

impl<'a> PublicKey<'a> {
    /// Reads the content of a `SubjectPublicKeyInfo`.
    pub(super) fn parse(info: &'a [u8]) -> Option<Self> {
        let mut info = Reader(info);
        Some(Self {
            algorithm: info.content(tag::SEQUENCE)?,
            bits: info.content(tag::BIT_STRING)?.get(1..)?,
        })
    }

    /// The RSA key, if this is one.
    pub(super) fn rsa(&self) -> Option<RsaKey<'a>> {
        let algorithm = Reader(self.algorithm).content(tag::OBJECT_IDENTIFIER)?;
        (algorithm == id::RSA_ENCRYPTION).then(|| RsaKey::parse(self.bits))?
    }
}

/// The numbers of an RSA key, without leading zeros.
#[derive(Clone, Copy, Debug)]
pub(super) struct RsaKey<'a> {
    pub(super) modulus: &'a [u8],
    pub(super) exponent: &'a [u8],
}

impl<'a> RsaKey<'a> {
    /// Reads an `RSAPublicKey`.
    pub(super) fn parse(key: &'a [u8]) -> Option<Self> {
        let mut numbers = Reader(key).enter(tag::SEQUENCE)?;
        let mut number = || {
            let digits = numbers.content(tag::INTEGER)?;
            digits.get(digits.iter().take_while(|&&digit| digit == 0).count()..)
        };
        Some(Self {
            modulus: number()?,
            exponent: number()?,
        })
    }

    /// The length of the modulus in bits.
    pub(super) fn length(&self) -> usize {
        let unused = self
            .modulus
            .first()
            .map_or(0, |digit| digit.leading_zeros());
        // At most seven.
        self.modulus.len() * 8 - usize::try_from(unused).unwrap_or(0)
    }
}

/// Reads `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`.
fn time(value: &Value<'_>) -> Option<UnixTime> {
    let digits = value.content.strip_suffix(b"Z")?;
    let mut pairs = digits.chunks(2).map(|pair| {
        let &[tens, units] = pair else { return None };
        let digit = |byte: u8| char::from(byte).to_digit(10).map(i64::from);
        Some(digit(tens)? * 10 + digit(units)?)
    });
    let mut pair = || pairs.next().flatten();
    let year = match value.tag {
        tag::UTC_TIME => pair().map(|year| if year < 50 { 2000 + year } else { 1900 + year })?,
        tag::GENERALIZED_TIME => pair()? * 100 + pair()?,
        _ => return None,
    };
    let (month, day, hour, minute, second) = (pair()?, pair()?, pair()?, pair()?, pair()?);
    let seconds = ((days_since_1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    // Nothing that is in use today was ever valid before 1970.
    let seconds = u64::try_from(seconds).unwrap_or(0);
    Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
}

/// Days in the Gregorian calendar, counted in years that start in March so that leap days are last.
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

/// The algorithm identifier of [`write_child`]'s signature: an identifier below 2.25, where anyone
/// may make one up.
pub(super) const CHILD_SIGNATURE: &[u8] = &[tag::OBJECT_IDENTIFIER, 4, 0x69, 0xce, 0x88, 0x15];

/// Writes a certificate that `parent` could have issued, for nobody: what is signed, and the whole
/// with an empty signature.
pub(super) fn write_child(parent: &Certificate<'_>) -> (Vec<u8>, Vec<u8>) {
    const VERSION_3: &[u8] = &[tag::VERSION, 3, tag::INTEGER, 1, 2];
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

/// Makes a sequence of DER values.
fn wrap(content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let leading = length.iter().take_while(|&&digit| digit == 0).count();
    let digits = length.get(leading..).unwrap_or_default();
    // There are at most as many digits as a length has bytes.
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
    fn rubbish_is_no_certificate_and_never_a_panic() {
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
                    // Whatever is said about it, it is said.
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
