//! Reading and writing the kinds of columns that several tables have.

use clearspan_model::{JsonText, UnixNanos};
use rusqlite::Row;
use uuid::Uuid;

type SqlResult<T> = std::result::Result<T, rusqlite::Error>;

/// An id that may be absent.
pub(super) fn id<T: From<Uuid>>(row: &Row<'_>, idx: usize) -> SqlResult<Option<T>> {
    Ok(row.get::<_, Option<[u8; 16]>>(idx)?.map(|bytes| T::from(Uuid::from_bytes(bytes))))
}

/// JSON that was checked before it was written.
pub(super) fn json(row: &Row<'_>, idx: usize) -> SqlResult<Option<JsonText>> {
    Ok(row.get::<_, Option<String>>(idx)?.map(JsonText::from_trusted))
}

pub(super) fn time(row: &Row<'_>, idx: usize) -> SqlResult<Option<UnixNanos>> {
    Ok(row.get::<_, Option<i64>>(idx)?.map(UnixNanos::from_nanos))
}

/// Many texts as one parameter: `IN (SELECT value FROM json_each(?1))`.
pub(super) fn text_list<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let values = texts.into_iter().map(|text| JsonText::from_string(text).as_str().to_owned());
    format!("[{}]", values.collect::<Vec<_>>().join(","))
}

/// Many ids as one parameter: `IN (SELECT unhex(value) FROM json_each(?1))`.
pub(super) fn id_list<'a>(ids: impl IntoIterator<Item = &'a [u8; 16]>) -> String {
    let values = ids.into_iter().map(|id| format!("\"{:032x}\"", u128::from_be_bytes(*id)));
    format!("[{}]", values.collect::<Vec<_>>().join(","))
}
