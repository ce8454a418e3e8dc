//! Distinguished names, as strictly as Chromium parses them.

use super::der::{Reader, Value, tag};

/// The attributes whose text Chromium parses: 2.5.4 and one of these.
const READ_ATTRIBUTES: [u8; 6] = [3, 6, 7, 8, 10, 11];

/// Whether this is the content of a distinguished name, which may be empty.
pub(super) fn is_name(content: &[u8]) -> bool {
    content.is_empty()
        || Reader(content).all(|part| {
            part.tag == tag::SET && Reader(part.content).all(|attribute| is_attribute(&attribute))
        })
}

fn is_attribute(attribute: &Value<'_>) -> bool {
    let mut fields = Reader(attribute.content);
    let (Some(id), Some(value)) = (fields.content(tag::OBJECT_IDENTIFIER), fields.next()) else {
        return false;
    };
    let is_read = matches!(id, [0x55, 4, last] if READ_ATTRIBUTES.contains(last));
    attribute.tag == tag::SEQUENCE && fields.is_empty() && (!is_read || is_text(&value))
}

fn is_text(value: &Value<'_>) -> bool {
    match value.tag {
        tag::UTF8_STRING | tag::T61_STRING => true,
        tag::IA5_STRING => value.content.is_ascii(),
        tag::PRINTABLE_STRING => value.content.iter().all(|&byte| is_printable(byte)),
        tag::BMP_STRING => value.content.len().is_multiple_of(2),
        tag::UNIVERSAL_STRING => value.content.len().is_multiple_of(4),
        _ => false,
    }
}

fn is_printable(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte)
}
