//! Bytes of packed points: LEB128 integers, signed ones in zigzag order, and doubles. Reading never panics.

pub fn put_unsigned(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub fn put_signed(value: i64, out: &mut Vec<u8>) {
    put_unsigned(zigzag(value), out);
}

pub fn put_double(value: f64, out: &mut Vec<u8>) {
    out.extend_from_slice(&value.to_le_bytes());
}

pub fn take_unsigned(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *rest.split_off_first()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

pub fn take_signed(rest: &mut &[u8]) -> Option<i64> {
    take_unsigned(rest).map(unzigzag)
}

pub fn take_double(rest: &mut &[u8]) -> Option<f64> {
    Some(f64::from_le_bytes(rest.split_off(..8)?.try_into().ok()?))
}

pub fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

pub fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}
