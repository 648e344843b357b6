//! Pages of lists that are sorted in memory: projects and datasets, of which there are few.

use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

use crate::api::cursor;
use crate::api::error::Result;

use super::super::find::{Pairs, parse_count, unprocessable};
use super::runs::{page_size, value_of};

const MAX_PAGE: usize = 100;
const DEFAULT_PAGE: i64 = 20;

/// What a list is sorted by. What has none comes last in both orders.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum SortKey {
    Integer(i64),
    Number(f64),
    Text(String),
}

impl SortKey {
    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a.cmp(b),
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            // The keys of one list are of one kind.
            _ => Ordering::Equal,
        }
    }
}

/// Where something stands in a list; its id decides between those with the same key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Place {
    key: Option<SortKey>,
    id: String,
}

impl Place {
    pub(super) fn new(key: Option<SortKey>, id: impl ToString) -> Self {
        Self { key, id: id.to_string() }
    }

    fn compare(&self, other: &Self, ascending: bool) -> Ordering {
        let in_order = |ordering: Ordering| if ascending { ordering } else { ordering.reverse() };
        let by_key = match (&self.key, &other.key) {
            (Some(a), Some(b)) => in_order(a.compare(b)),
            (a, b) => a.is_none().cmp(&b.is_none()),
        };
        by_key.then_with(|| in_order(self.id.cmp(&other.id)))
    }
}

/// Which page of a list is asked for.
#[derive(Debug)]
pub(super) struct Asked {
    ascending: bool,
    after: Option<Cursor>,
    limit: usize,
    /// What the list is sorted by.
    by: String,
}

/// Where a page ended, and in which order.
#[derive(Debug, Serialize, Deserialize)]
struct Cursor {
    by: String,
    ascending: bool,
    after: Place,
}

impl Asked {
    /// Reads `page_size`, `cursor`, `sort_by` and `sort_order`.
    pub(super) fn parse(pairs: &Pairs, columns: &[&str], default: &str) -> Result<Self> {
        let by = value_of(pairs, "sort_by").unwrap_or(default);
        if !columns.contains(&by) {
            return Err(unprocessable(format!("sort_by is {by:?}; it can be {}", columns.join(", "))));
        }
        let ascending = match value_of(pairs, "sort_order") {
            Some("asc") => true,
            Some("desc") | None => false,
            Some(other) => {
                return Err(unprocessable(format!("sort_order is {other:?}; it can be asc or desc")));
            }
        };
        let size = value_of(pairs, "page_size").map(|size| parse_count("page_size", size)).transpose()?;
        let size = size.map_or(DEFAULT_PAGE, |size| i64::try_from(size).unwrap_or(i64::MAX));
        let limit = page_size(Some(size), MAX_PAGE)?;
        let after = value_of(pairs, "cursor").map(cursor::read::<Cursor>).transpose()?;
        if after.as_ref().is_some_and(|after| after.by != by || after.ascending != ascending) {
            return Err(cursor::invalid("belongs to a list in another order"));
        }
        Ok(Self { ascending, after, limit, by: by.to_owned() })
    }

    pub(super) fn by(&self) -> &str {
        &self.by
    }

    /// The page, and where the next one begins.
    pub(super) fn page<T>(&self, items: Vec<T>, place: impl Fn(&T) -> Place) -> (Vec<T>, Option<String>) {
        let mut placed: Vec<(Place, T)> = items.into_iter().map(|item| (place(&item), item)).collect();
        placed.sort_by(|(a, _), (b, _)| a.compare(b, self.ascending));
        if let Some(Cursor { after, .. }) = &self.after {
            placed.retain(|(place, _)| place.compare(after, self.ascending) == Ordering::Greater);
        }
        let is_last = placed.len() <= self.limit;
        placed.truncate(self.limit);
        let last = placed.last().filter(|_| !is_last);
        let next = last.map(|(after, _)| {
            cursor::write(&Cursor { by: self.by.clone(), ascending: self.ascending, after: after.clone() })
        });
        (placed.into_iter().map(|(_, item)| item).collect(), next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(keys: &[Option<f64>], order: &str) -> Vec<Option<f64>> {
        let (mut walked, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let mut pairs =
                vec![("page_size".to_owned(), "2".to_owned()), ("sort_order".to_owned(), order.to_owned())];
            pairs.extend(cursor.map(|cursor| ("cursor".to_owned(), cursor)));
            let asked = Asked::parse(&pairs, &["score"], "score").unwrap();
            let items = keys.iter().copied().enumerate().collect();
            let (page, next) = asked
                .page(items, |(idx, key): &(usize, Option<f64>)| Place::new(key.map(SortKey::Number), idx));
            walked.extend(page.iter().map(|(_, key)| *key));
            cursor = next;
            if cursor.is_none() {
                return walked;
            }
        }
    }

    #[test]
    fn a_walk_meets_everything_once_and_what_has_no_key_last() {
        let keys = [Some(2.0), None, Some(1.0), Some(2.0), None, Some(0.5)];
        let known = [Some(0.5), Some(1.0), Some(2.0), Some(2.0)];
        assert_eq!(walk(&keys, "asc"), [&known[..], &[None, None]].concat());
        let falling: Vec<_> = known.iter().rev().copied().chain([None, None]).collect();
        assert_eq!(walk(&keys, "desc"), falling);
        assert_eq!(walk(&[], "asc"), []);
    }

    #[test]
    fn what_cannot_be_asked_is_named() {
        let refused = |key: &str, value: &str| {
            let pairs = vec![(key.to_owned(), value.to_owned())];
            Asked::parse(&pairs, &["name", "start"], "name").unwrap_err().message
        };
        assert!(refused("sort_by", "color").contains("name, start"));
        assert!(refused("sort_order", "up").contains("asc or desc"));
        assert!(refused("page_size", "0").contains("at least 1"));
        assert!(refused("cursor", "x").contains("damaged"));
        let other = Cursor { by: "start".to_owned(), ascending: false, after: Place::new(None, 1) };
        assert!(refused("cursor", &cursor::write(&other)).contains("another order"));
    }
}
