//! Long columns of numbers and ids as JSON.
//!
//! A skeleton of 100,000 runs has more than two million values, and a serializer that is told of them one by one takes most
//! of its time for the telling. Here a value is a few stores into the answer, and where nothing is known of many rows in a
//! row, one copy of what stands for nothing.

use clearspan_model::RunId;

/// Can be written as a JSON array.
pub(super) trait Column {
    /// How many values it has.
    fn len(&self) -> usize;
    /// Writes each value with a comma behind it.
    fn write_values(&self, json: &mut Vec<u8>);

    fn write(&self, json: &mut Vec<u8>) {
        json.push(b'[');
        self.write_values(json);
        if self.len() > 0 {
            json.pop();
        }
        json.push(b']');
    }
}

/// Can be one of the values of a column.
pub(super) trait Value: Copy {
    /// Writes it with a comma behind it.
    fn write(self, json: &mut Vec<u8>);
}

impl<T: Value> Column for Vec<T> {
    fn len(&self) -> usize {
        self.as_slice().len()
    }

    fn write_values(&self, json: &mut Vec<u8>) {
        self.iter().for_each(|value| value.write(json));
    }
}

impl Value for u8 {
    fn write(self, json: &mut Vec<u8>) {
        u64::from(self).write(json);
    }
}

impl Value for u32 {
    fn write(self, json: &mut Vec<u8>) {
        u64::from(self).write(json);
    }
}

impl Value for i64 {
    fn write(self, json: &mut Vec<u8>) {
        if self < 0 {
            json.push(b'-');
        }
        self.unsigned_abs().write(json);
    }
}

impl Value for u64 {
    #[inline]
    fn write(self, json: &mut Vec<u8>) {
        if self < 10 {
            json.extend_from_slice(&[b'0' + self as u8, b',']);
            return;
        }
        // Copies of a fixed length are stores; those of just the digits would be calls.
        let mut written = [b','; 24];
        let len = self.ilog10() as usize + 1;
        let (mut at, mut rest) = (len, self);
        while rest >= 100 {
            at -= 2;
            written[at..at + 2].copy_from_slice(&PAIRS[(rest % 100) as usize]);
            rest /= 100;
        }
        match rest {
            10.. => written[..2].copy_from_slice(&PAIRS[rest as usize]),
            _ => written[0] = b'0' + rest as u8,
        }
        push(json, &written, len + 1);
    }
}

/// Null where there is none.
impl Value for Option<i64> {
    fn write(self, json: &mut Vec<u8>) {
        match self {
            Some(value) => value.write(json),
            None => json.extend_from_slice(b"null,"),
        }
    }
}

/// The row or the place in a list, -1 where there is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Position(pub(super) Option<u32>);

impl Value for Position {
    fn write(self, json: &mut Vec<u8>) {
        match self.0 {
            Some(position) => position.write(json),
            None => json.extend_from_slice(b"-1,"),
        }
    }
}

impl Value for RunId {
    fn write(self, json: &mut Vec<u8>) {
        let mut written = [b'-'; 40];
        (written[0], written[37], written[38]) = (b'"', b'"', b',');
        for (byte, at) in self.as_bytes().iter().zip(ID_PLACES) {
            written[at..at + 2].copy_from_slice(&HEX[usize::from(*byte)]);
        }
        push(json, &written, 39);
    }
}

/// Where the digits of each byte of an id are, behind the quote.
const ID_PLACES: [usize; 16] = [1, 3, 5, 7, 10, 12, 15, 17, 20, 22, 25, 27, 29, 31, 33, 35];

#[inline]
fn push<const N: usize>(json: &mut Vec<u8>, written: &[u8; N], len: usize) {
    let end = json.len() + len;
    json.extend_from_slice(written);
    json.truncate(end);
}

/// A column of which few rows have a value.
#[derive(Debug)]
pub(super) struct Sparse<T> {
    len: usize,
    /// In order of their rows.
    known: Vec<(u32, T)>,
    blank: Blank,
}

/// What stands for nothing.
#[derive(Debug, Clone, Copy)]
pub(super) enum Blank {
    Null,
    MinusOne,
}

impl<T> Sparse<T> {
    pub(super) fn new(blank: Blank) -> Self {
        Self { len: 0, known: Vec::new(), blank }
    }

    pub(super) fn push(&mut self, value: Option<T>) {
        if let Some(value) = value {
            let row = u32::try_from(self.len).expect("a trace has fewer than 2^32 runs");
            self.known.push((row, value));
        }
        self.len += 1;
    }
}

impl<T: Value> Column for Sparse<T> {
    fn len(&self) -> usize {
        self.len
    }

    fn write_values(&self, json: &mut Vec<u8>) {
        let mut next = 0;
        for (row, value) in &self.known {
            self.blank.write(*row as usize - next, json);
            value.write(json);
            next = *row as usize + 1;
        }
        self.blank.write(self.len - next, json);
    }
}

impl Blank {
    fn write(self, mut times: usize, json: &mut Vec<u8>) {
        let (many, len): (&[u8], usize) = match self {
            Self::Null => (&NULLS, 5),
            Self::MinusOne => (&MINUS_ONES, 3),
        };
        while times > 0 {
            let now = times.min(MANY);
            json.extend_from_slice(&many[..now * len]);
            times -= now;
        }
    }
}

const MANY: usize = 256;
static NULLS: [u8; MANY * 5] = repeated(*b"null,");
static MINUS_ONES: [u8; MANY * 3] = repeated(*b"-1,");

const fn repeated<const N: usize, const M: usize>(word: [u8; N]) -> [u8; M] {
    let mut all = [0; M];
    let mut at = 0;
    while at < M {
        all[at] = word[at % N];
        at += 1;
    }
    all
}

/// The numbers below a hundred, in two digits.
static PAIRS: [[u8; 2]; 100] = pairs(10, *b"0123456789abcdef");
/// All bytes in hexadecimal digits.
static HEX: [[u8; 2]; 256] = pairs(16, *b"0123456789abcdef");

const fn pairs<const N: usize>(base: usize, digits: [u8; 16]) -> [[u8; 2]; N] {
    let mut pairs = [[0; 2]; N];
    let mut number = 0;
    while number < N {
        pairs[number] = [digits[number / base], digits[number % base]];
        number += 1;
    }
    pairs
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::*;

    fn check<C: Column>(column: &C, expected: &impl Serialize) {
        let mut json = b"before".to_vec();
        column.write(&mut json);
        assert_eq!(
            String::from_utf8(json).unwrap(),
            format!("before{}", serde_json::to_string(expected).unwrap())
        );
    }

    #[test]
    fn numbers_of_any_length_are_those_of_a_serializer() {
        let mut numbers = vec![0, 9, u64::MAX];
        for power in 1..20 {
            numbers.extend([-1, 0, 1].map(|more| 10_u64.pow(power).saturating_add_signed(more)));
            numbers.push(12_345_678_901_234_567_890 / 10_u64.pow(power));
        }
        check(&numbers, &numbers);
        let signed: Vec<i64> = numbers.iter().flat_map(|n| [*n as i64, (*n as i64).wrapping_neg()]).collect();
        check(&signed, &signed);
        let options: Vec<Option<i64>> = signed.iter().map(|n| (n % 3 != 0).then_some(*n)).collect();
        check(&options, &options);
        let bytes: Vec<u8> = (0..=255).collect();
        check(&bytes, &bytes);
        check(&Vec::<u32>::new(), &[0; 0]);
    }

    #[test]
    fn ids_are_those_of_a_serializer() {
        let ids: Vec<RunId> =
            (0..=240).map(|first| RunId::from_bytes(std::array::from_fn(|at| first + at as u8))).collect();
        check(&ids, &ids);
    }

    #[test]
    fn nothing_is_written_as_often_as_it_is_there() {
        for (len, step) in [(0, 1), (1, 1), (1, 2), (1_000, 1), (1_000, 7), (2_000, 300), (2_000, 5_000)] {
            let values: Vec<Option<i64>> =
                (0..len).map(|n| (n % step == step - 1).then_some(n * 37)).collect();
            let mut nulls = Sparse::new(Blank::Null);
            values.iter().for_each(|value| nulls.push(*value));
            check(&nulls, &values);
            let mut positions = Sparse::new(Blank::MinusOne);
            values.iter().for_each(|value| positions.push(value.map(|value| value as u32)));
            let expected: Vec<i64> = values.iter().map(|value| value.unwrap_or(-1)).collect();
            check(&positions, &expected);
            let dense = values.iter().map(|value| Position(value.map(|value| value as u32)));
            check(&dense.collect::<Vec<_>>(), &expected);
        }
    }
}
