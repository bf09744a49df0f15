//! Protobuf written by hand, for messages that no writer of ours would write.

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let seven_bits = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(seven_bits);
            return bytes;
        }
        bytes.push(seven_bits | 0x80);
    }
}

/// A field that holds a number.
pub(crate) fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

/// A field that holds a string, bytes or a message.
pub(crate) fn bytes(field: u64, value: &[u8]) -> Vec<u8> {
    [varint(field << 3 | 2), varint(value.len() as u64), value.to_vec()].concat()
}

/// A field that holds eight bytes, a wire type that the format has no use for.
pub(crate) fn fixed64(field: u64) -> Vec<u8> {
    [varint(field << 3 | 1), vec![0; 8]].concat()
}

/// The start of a group, which proto3 has no use for.
pub(crate) fn group_start(field: u64) -> Vec<u8> {
    varint(field << 3 | 3)
}
