//! A DER reader: minimal lengths and single-byte tags only.

/// Tags that occur in certificates.
pub(super) mod tag {
    pub(in crate::tls::verifier) const BOOLEAN: u8 = 0x01;
    pub(in crate::tls::verifier) const INTEGER: u8 = 0x02;
    pub(in crate::tls::verifier) const BIT_STRING: u8 = 0x03;
    pub(in crate::tls::verifier) const OCTET_STRING: u8 = 0x04;
    pub(in crate::tls::verifier) const NULL: u8 = 0x05;
    pub(in crate::tls::verifier) const OBJECT_IDENTIFIER: u8 = 0x06;
    pub(in crate::tls::verifier) const UTF8_STRING: u8 = 0x0c;
    pub(in crate::tls::verifier) const PRINTABLE_STRING: u8 = 0x13;
    pub(in crate::tls::verifier) const T61_STRING: u8 = 0x14;
    pub(in crate::tls::verifier) const IA5_STRING: u8 = 0x16;
    pub(in crate::tls::verifier) const UTC_TIME: u8 = 0x17;
    pub(in crate::tls::verifier) const GENERALIZED_TIME: u8 = 0x18;
    pub(in crate::tls::verifier) const UNIVERSAL_STRING: u8 = 0x1c;
    pub(in crate::tls::verifier) const BMP_STRING: u8 = 0x1e;
    pub(in crate::tls::verifier) const SEQUENCE: u8 = 0x30;
    pub(in crate::tls::verifier) const SET: u8 = 0x31;

    /// The tag of a context-specific primitive value.
    pub(in crate::tls::verifier) const fn implicit(number: u8) -> u8 {
        0x80 | number
    }

    /// The tag of a context-specific constructed value.
    pub(in crate::tls::verifier) const fn explicit(number: u8) -> u8 {
        0xa0 | number
    }
}

/// Reads consecutive DER values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

/// A DER value.
pub(super) struct Value<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
    /// The content with its tag and length.
    pub(super) whole: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn next(&mut self) -> Option<Value<'a>> {
        const MORE_TAG: u8 = 0x1f;

        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let shortest = match digits {
                [] | [0, ..] => false,
                &[length] => length >= 0x80,
                _ => digits.len() <= size_of::<u32>(),
            };
            if !shortest {
                return None;
            }
            (number(digits), rest)
        };
        if tag & MORE_TAG == MORE_TAG {
            return None;
        }
        let (content, rest) = rest.split_at_checked(length)?;
        let (whole, _) = self.0.split_at_checked(self.0.len() - rest.len())?;
        self.0 = rest;
        Some(Value {
            tag,
            content,
            whole,
        })
    }

    /// Whether the next byte is this tag.
    pub(super) fn is_at(&self, tag: u8) -> bool {
        self.0.first() == Some(&tag)
    }

    /// Skips the next value if it has this tag; `None` if such a value is malformed.
    pub(super) fn skip(&mut self, tag: u8) -> Option<()> {
        if self.is_at(tag) {
            self.next()?;
        }
        Some(())
    }

    /// The next value if it has this tag; otherwise the reader does not advance.
    pub(super) fn expect(&mut self, tag: u8) -> Option<Value<'a>> {
        self.is_at(tag).then(|| self.next())?
    }

    /// The content of the next value, which must have this tag.
    pub(super) fn content(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.expect(tag).map(|value| value.content)
    }

    /// A reader of the next value's content, which must have this tag.
    pub(super) fn enter(&mut self, tag: u8) -> Option<Self> {
        self.content(tag).map(Self)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A reader of the only value's content, which must have this tag.
    pub(super) fn enter_only(mut self, tag: u8) -> Option<Self> {
        let inside = self.enter(tag)?;
        self.is_empty().then_some(inside)
    }

    /// Whether there is at least one value and all values satisfy the predicate.
    pub(super) fn all(mut self, mut right: impl FnMut(Value<'a>) -> bool) -> bool {
        if self.is_empty() {
            return false;
        }
        while !self.is_empty() {
            if !self.next().is_some_and(&mut right) {
                return false;
            }
        }
        true
    }
}

/// An unsigned number, saturated at the largest representable one.
pub(super) fn number(digits: &[u8]) -> usize {
    digits.iter().fold(0, |number: usize, &digit| {
        number
            .saturating_mul(256)
            .saturating_add(usize::from(digit))
    })
}
