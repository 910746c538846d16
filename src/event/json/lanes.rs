//! Eight bytes at a time in an ordinary register.
//!
//! A mask has the highest bit of each byte that it means. The first byte is the lowest one.

const ONES: u64 = u64::MAX / 255;
const HIGH: u64 = ONES * 0x80;
const LOW: u64 = ONES * 0x7f;

/// How far the first of `mask` is from the beginning, in bytes: 8 where there is none.
#[inline]
pub(super) const fn first(mask: u64) -> usize {
    mask.trailing_zeros() as usize / 8
}

/// The first byte that is a quote, a backslash or a control character, and maybe some behind it: the
/// "haszero" and "hasless" tricks of Anderson's *Bit Twiddling Hacks*.
#[inline]
pub(super) const fn string_stops(eight: u64) -> u64 {
    let quote = eight ^ (ONES * b'"' as u64);
    let backslash = eight ^ (ONES * b'\\' as u64);
    let stops = (quote.wrapping_sub(ONES) & !quote)
        | (backslash.wrapping_sub(ONES) & !backslash)
        | (eight.wrapping_sub(ONES * 0x20) & !eight);
    stops & HIGH
}

/// How many digits stand in front, and the number that they are.
#[inline]
pub(super) const fn leading_digits(eight: u64) -> (usize, u64) {
    let count = first(HIGH & !digits(eight));
    // Moved to the end, behind zeros.
    let number = if count == 0 { 0 } else { eight << (64 - 8 * count) };
    // Neighbours are joined: digits to pairs, pairs to fours, fours to the whole.
    let pairs = (number & (ONES * 0x0f)).wrapping_mul(10 << 8 | 1) >> 8;
    let fours = (pairs & 0x00ff_00ff_00ff_00ff).wrapping_mul(100 << 16 | 1) >> 16;
    (count, (fours & 0x0000_ffff_0000_ffff).wrapping_mul(10_000 << 32 | 1) >> 32)
}

/// How long a list of integers is that begins behind its bracket, with its closing bracket, as the bytes
/// of a record's header are sent. None where it is anything else, and where a number is negative or begins
/// with a zero: these are rare, and left to who reads any JSON.
#[inline]
pub(crate) fn integers(list: &[u8]) -> Option<usize> {
    // Whether a number has to begin here, as a mask of the next chunk's first byte.
    let mut begins = 0x80;
    let (chunks, _) = list.as_chunks::<8>();
    for (index, chunk) in chunks.iter().enumerate() {
        let eight = u64::from_le_bytes(*chunk);
        let commas = equal(eight, b',');
        let beginnings = commas << 8 | begins;
        let others = HIGH & !(digits(eight) | commas);
        // Commas and zeros lie before one.
        let wrong = !from(eight, b'1') & beginnings;
        if others | wrong == 0 {
            begins = commas >> 56;
            continue;
        }
        let end = first(others);
        let closes = chunk.get(end) == Some(&b']');
        let clean = closes && ((wrong | beginnings & others) << (56 - 8 * end)) == 0;
        return clean.then_some(8 * index + end + 1);
    }
    None
}

/// The bytes that are digits.
#[inline]
const fn digits(eight: u64) -> u64 {
    from(eight, b'0') & !from(eight, b'9' + 1) & !eight & HIGH
}

/// The bytes that are `byte` or lie behind it, of those that are ASCII.
#[inline]
const fn from(eight: u64, byte: u8) -> u64 {
    ((eight & LOW) + ONES * (0x80 - byte as u64)) & HIGH
}

/// The bytes that are `byte`.
#[inline]
const fn equal(eight: u64, byte: u8) -> u64 {
    let differs = eight ^ (ONES * byte as u64);
    !(((differs & LOW) + LOW) | differs | LOW)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn eight() -> impl Strategy<Value = [u8; 8]> {
        prop::array::uniform8(prop_oneof![0_u8..0x40, 0x5b_u8..0x5e, 0xa0_u8..0xc0, any::<u8>()])
    }

    fn mask(bytes: [u8; 8], test: impl Fn(u8) -> bool) -> u64 {
        u64::from_le_bytes(bytes.map(|byte| if test(byte) { 0x80 } else { 0 }))
    }

    proptest! {
        #[test]
        fn masks_mean_the_bytes_they_say(bytes in eight()) {
            let eight = u64::from_le_bytes(bytes);
            prop_assert_eq!(digits(eight), mask(bytes, |byte| byte.is_ascii_digit()));
            prop_assert_eq!(equal(eight, b','), mask(bytes, |byte| byte == b','));
            let stops = mask(bytes, |byte| byte == b'"' || byte == b'\\' || byte < 0x20);
            prop_assert_eq!(first(string_stops(eight)), first(stops));
        }

        #[test]
        fn eight_digits_are_their_number(number in 0_u64..100_000_000) {
            let text = format!("{number:08}");
            let eight = u64::from_le_bytes(text.as_bytes().try_into().expect("eight"));
            prop_assert_eq!(leading_digits(eight), (8, number));
            prop_assert_eq!(leading_digits(eight ^ 0x80), (0, 0));
            prop_assert_eq!(leading_digits(eight ^ 0x10 << 24), (3, number / 100_000));
        }

        #[test]
        fn a_list_of_integers_is_one(numbers in prop::collection::vec(1_u64..30_000, 1..20)) {
            let list = format!("{}]", serde_json::to_string(&numbers).expect("JSON").trim_matches(['[', ']']));
            prop_assert_eq!(integers(format!("{list}       ").as_bytes()), Some(list.len()));
        }

        #[test]
        fn what_is_no_list_of_integers_is_none(list in "[-0123,]{0,20}\\][^\\]]{8}") {
            let end = list.find(']').map_or(0, |end| end + 1);
            let length = integers(list.as_bytes());
            let rare = ["0", "-"].iter().any(|sign| list.starts_with(sign))
                || [",0", ",-"].iter().any(|sign| list[..end].contains(sign));
            let is_list = serde_json::from_str::<Vec<serde::de::IgnoredAny>>(&format!("[{}", &list[..end])).is_ok();
            prop_assert_eq!(length, (is_list && end > 1 && !rare).then_some(end));
        }
    }
}
