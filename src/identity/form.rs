//! Percent-encoding for the form of the token request, the only form that is sent. Pure.

/// Appends `text` so that it is one value of an `application/x-www-form-urlencoded` body.
pub(crate) fn encode(text: &str, onto: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            onto.push(byte);
        } else {
            onto.extend([
                b'%',
                HEX[usize::from(byte >> 4)],
                HEX[usize::from(byte & 15)],
            ]);
        }
    }
}
