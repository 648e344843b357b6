//! Follows the frames that an HTTP/2 peer sends, as far as is needed to see that a head has begun and does not end.
//!
//! hyper says nothing of a request before its whole head is there, and a head may be spread over many frames.

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const FRAME_HEADER: usize = 9;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

/// What some bytes did to the heads.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Heads {
    /// One that had begun is there.
    pub(super) has_ended: bool,
    /// One has begun and is not there.
    pub(super) is_open: bool,
}

#[derive(Debug)]
enum Place {
    Preface(usize),
    NotHttp2,
    /// So many bytes of the header are there.
    Header([u8; FRAME_HEADER], usize),
    Payload {
        left: usize,
        ends_head: bool,
    },
}

#[derive(Debug)]
pub(super) struct Frames {
    place: Place,
    is_open: bool,
}

impl Frames {
    pub(super) fn new() -> Self {
        Self { place: Place::Preface(0), is_open: false }
    }

    pub(super) fn note(&mut self, mut bytes: &[u8]) -> Heads {
        let mut has_ended = false;
        while !bytes.is_empty() {
            let used = match &mut self.place {
                Place::NotHttp2 => break,
                Place::Preface(seen) => {
                    let expected = PREFACE.get(*seen..).unwrap_or_default();
                    let used = expected.len().min(bytes.len());
                    *seen += used;
                    if expected.get(..used) != bytes.get(..used) {
                        self.place = Place::NotHttp2;
                    } else if *seen == PREFACE.len() {
                        self.place = Place::Header([0; FRAME_HEADER], 0);
                    }
                    used
                }
                Place::Header(header, seen) => {
                    let used = (FRAME_HEADER - *seen).min(bytes.len());
                    for (to, from) in header.iter_mut().skip(*seen).zip(bytes) {
                        *to = *from;
                    }
                    *seen += used;
                    if *seen == FRAME_HEADER {
                        let [high, middle, low, kind, flags, ..] = *header;
                        let is_head = matches!(kind, HEADERS | CONTINUATION);
                        self.is_open |= is_head;
                        let left =
                            [high, middle, low].iter().fold(0, |left, byte| left * 256 + usize::from(*byte));
                        has_ended |= self.enter(left, is_head && (flags & END_HEADERS) != 0);
                    }
                    used
                }
                Place::Payload { left, ends_head } => {
                    let used = (*left).min(bytes.len());
                    let (left, ends_head) = (*left - used, *ends_head);
                    has_ended |= self.enter(left, ends_head);
                    used
                }
            };
            bytes = bytes.get(used..).unwrap_or_default();
        }
        Heads { has_ended, is_open: self.is_open }
    }

    /// Goes on with so much of a payload. Says whether a head is there now.
    fn enter(&mut self, left: usize, ends_head: bool) -> bool {
        if left > 0 {
            self.place = Place::Payload { left, ends_head };
            return false;
        }
        self.place = Place::Header([0; FRAME_HEADER], 0);
        self.is_open &= !ends_head;
        ends_head
    }
}

#[cfg(test)]
mod tests;
